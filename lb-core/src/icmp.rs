//! ICMP messages that a balancer answers, sends and passes on.
