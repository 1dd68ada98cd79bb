//! Tests of the long spans: when each begins and ends.

use std::sync::{Arc, Mutex};

use lb_core::bgp::{Down, DownReason};
use tracing::span::{Attributes, Id};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use super::*;

/// What began (`+`) and ended (`-`) since it was last asked.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<String>>);

impl Seen {
    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Layer<Registry> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, Registry>) {
        self.0.lock().unwrap().push_str(&format!("+{}", attributes.metadata().name()));
    }

    fn on_close(&self, id: Id, context: Context<'_, Registry>) {
        self.0.lock().unwrap().push_str(&format!("-{}", context.metadata(&id).unwrap().name()));
    }
}

#[test]
fn a_span_lasts_as_long_as_what_it_is_for() {
    let seen = Seen::default();
    let peer = IpAddr::from([10, 0, 0, 1]);
    let bgp = |event| RoutingEvent::Bgp { peer, event };
    let state = |from, to| bgp(Event::State { from, to });
    let down_for =
        |was_established, reason| bgp(Event::Down(Down { was_established, reason, stale_kept: false }));
    let down = |was_established| down_for(was_established, DownReason::ConnectionLost);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(seen.clone()), || {
        let mut traced = Traced::default();
        for (event, expected) in [
            (state(State::Idle, State::Connect), "+session"),
            (state(State::Connect, State::OpenSent), ""),
            (down(false), "-session"),
            (state(State::OpenSent, State::Idle), ""),
            // it was up, and is not: until it is again
            (down(true), "+session"),
            (state(State::Idle, State::Connect), ""),
            (down(false), "-session"),
            // it is taken from the file
            (down_for(true, DownReason::Deconfigured), ""),
        ] {
            traced.routing(&event);
            assert_eq!(seen.take(), expected, "{event}");
        }
        traced.writing(1, 2);
        assert_eq!(seen.take(), "+reconcile");
        traced.written(1, Some("no space left"));
        assert_eq!(seen.take(), "-reconcile");
        traced.ending(false);
        traced.ending(false);
        assert_eq!(seen.take(), "+shutdown", "a second signal begins no second end");
        drop(traced);
        assert_eq!(seen.take(), "-shutdown");
    });
}
