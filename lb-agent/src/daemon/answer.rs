//! Answers to what is asked through the control socket.

use std::net::IpAddr;
use std::time::Duration;

use lb_core::config::ServiceAddress;
use lb_core::flow::Addresses;
use lb_core::node::Drain;
use lb_core::{FlowKey, Protocol, Time};

use super::Daemon;
use crate::control::{Answer, Asked, Request, service_named};

impl Daemon {
    pub(super) fn answer(&mut self, now: Time, asked: Asked) {
        let answer = match asked.request {
            Request::Status => return self.ask_status(asked.answer),
            Request::Explain { protocol, source, source_port, destination, destination_port } => {
                let flow = flow(&protocol, (source, source_port), (destination, destination_port));
                self.explain(flow)
            }
            Request::Drain { backend, service, out } => self.drain(now, backend, service.as_deref(), out),
            Request::Path { backend, service, dead_for_s } => {
                self.path(now, backend, service.as_deref(), dead_for_s)
            }
            Request::Reload => match self.reload(now) {
                Ok(said) => Answer::done(&said),
                Err(why) => Answer::Refused(why),
            },
        };
        // whoever asked may have gone
        let _ = asked.answer.send(answer);
    }

    fn explain(&self, flow: Result<FlowKey, String>) -> Answer {
        let flow = match flow {
            Ok(flow) => flow,
            Err(why) => return Answer::Refused(why),
        };
        match self.node.explain(&flow) {
            Some(explanation) => {
                let lines: Vec<String> = explanation.to_string().lines().map(str::to_owned).collect();
                Answer::done(&lines)
            }
            None if self.is_unread(&flow) => Answer::Refused(format!(
                "{} is configured, but the kernel has not been read yet, so it is not known where it \
                 goes; `lb-agent status` says why",
                flow.destination()
            )),
            None => Answer::Refused(format!(
                "no service of this node is at {}, port {}; `lb-agent status` lists them",
                flow.destination(),
                flow.destination_port()
            )),
        }
    }

    /// Whether a flow is to a service that is configured and waits for the kernel to be read.
    fn is_unread(&self, flow: &FlowKey) -> bool {
        let wanted = ServiceAddress::new(flow.destination(), flow.destination_port(), flow.protocol());
        self.node.believed().is_none()
            && self.node.config().lb.services.iter().any(|service| service.address == wanted)
    }

    fn drain(&mut self, now: Time, backend: Option<IpAddr>, service: Option<&str>, out: bool) -> Answer {
        let service = match service.map(service_named).transpose() {
            Ok(service) => service,
            Err(why) => return Answer::Refused(why),
        };
        let (drain, what) = match backend {
            None => (Drain::Node, "this node".to_owned()),
            Some(address) => (Drain::Backend { address, service }, address.to_string()),
        };
        let about = self.node.handle_drain(now, drain, out);
        self.remember_drains();
        let done = if out { "drained" } else { "back" };
        tracing::info!(what, done, "by hand");
        match (drain, about) {
            (Drain::Backend { .. }, 0) if out => Answer::done(&format!(
                "{what} is {done}, and backs no service of this node now; it will be out if one comes to have it"
            )),
            (Drain::Backend { .. }, about) => {
                Answer::done(&format!("{what} is {done}, in {about} service(s)"))
            }
            (Drain::Node, _) => Answer::done(&format!("{what} is {done}")),
        }
    }

    fn path(&mut self, now: Time, backend: IpAddr, service: Option<&str>, dead_for_s: u32) -> Answer {
        let service: Option<ServiceAddress> = match service.map(service_named).transpose() {
            Ok(service) => service,
            Err(why) => return Answer::Refused(why),
        };
        let dead_for = (dead_for_s > 0).then(|| Duration::from_secs(dead_for_s.into()));
        match self.node.handle_path(now, backend, service, dead_for) {
            0 => Answer::Refused(format!("{backend} backs no such service of this node")),
            about => {
                let said = match dead_for {
                    Some(_) => format!(
                        "the path to {backend} is held for dead for {dead_for_s} s, in {about} service(s)"
                    ),
                    None => format!("the path to {backend} lives, in {about} service(s)"),
                };
                tracing::info!("{said}");
                Answer::done(&said)
            }
        }
    }
}

/// A flow from its five parts.
fn flow(protocol: &str, source: (IpAddr, u16), destination: (IpAddr, u16)) -> Result<FlowKey, String> {
    let protocol = match protocol {
        "tcp" => Protocol::TCP,
        "udp" => Protocol::UDP,
        "sctp" => Protocol::SCTP,
        other => return Err(format!("`{other}` is no protocol that is balanced; write tcp, udp or sctp")),
    };
    let addresses = match (source.0, destination.0) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => Addresses::V4 { source, destination },
        (IpAddr::V6(source), IpAddr::V6(destination)) => Addresses::V6 { source, destination },
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
            return Err("src and dst are of two families; write two of one".to_owned());
        }
    };
    Ok(FlowKey::new(protocol, addresses, source.1, destination.1))
}
