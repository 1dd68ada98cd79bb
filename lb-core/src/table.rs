//! Tables: from a flow's hash to a member.
