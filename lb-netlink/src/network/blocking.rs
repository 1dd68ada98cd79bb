//! The executor and observer for command lines and tests: it blocks the calling thread.
//!
//! Thin: it sends what the dialogue says and hands back values.

use netlink_packet_route::RouteNetlinkMessage;

use super::dialogue::{self, Outcome, Step, fou_request, route_messages};
use super::{Command, CommandError, Problem};
use crate::address::{self, Address};
use crate::error::{Error, Malformed};
use crate::generic;
use crate::link::{self, Links};
use crate::route::{self, Route};
use crate::rule::{self, Rule};
use crate::socket::blocking::Connection;
use crate::socket::{Protocol, Replies, Request};
use crate::sysctl::Sysctls;
use crate::tunnel::{Family, fou};

/// The networking of the namespace that the calling thread was in when this was made.
///
/// ```no_run
/// use lb_netlink::address::{self, Address};
/// use lb_netlink::{Origin, network::blocking::Network};
///
/// let mut network = Network::open()?;
/// let links = network.links()?;
/// let addresses = network.addresses(&links)?;
/// let wanted = [Address::virtual_ip("203.0.113.10".parse()?, "lo".parse()?)];
/// let ours = |address: &Address| address.origin == Origin::OVERSPILL && address.device.as_str() == "lo";
/// for command in address::plan(&addresses, &wanted, ours) {
///     network.execute(&command)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Network {
    route: Connection,
    /// Made when a port is asked for; many hosts need none.
    generic: Option<(Connection, u16)>,
    sysctls: Sysctls,
}

impl Network {
    /// Opens a socket in the current network namespace; settings are those below `/proc/sys`.
    ///
    /// # Errors
    ///
    /// If no netlink socket can be made.
    pub fn open() -> Result<Self, Error> {
        let route = Connection::open(Protocol::Route)?;
        Ok(Self { route, generic: None, sysctls: Sysctls::default() })
    }

    /// The same with settings elsewhere.
    #[must_use]
    pub fn with_sysctls(self, sysctls: Sysctls) -> Self {
        Self { sysctls, ..self }
    }

    /// The kernel's settings.
    #[must_use]
    pub const fn sysctls(&self) -> &Sysctls {
        &self.sysctls
    }

    /// All devices.
    ///
    /// # Errors
    ///
    /// See [`Connection::dump`].
    pub fn links(&mut self) -> Result<Links, Error> {
        Ok(Links::from_messages(&self.dump(&link::dump_message())?))
    }

    /// All addresses of both families.
    ///
    /// # Errors
    ///
    /// See [`Connection::dump`].
    pub fn addresses(&mut self, links: &Links) -> Result<Vec<Address>, Error> {
        Ok(Address::from_messages(&self.dump(&address::dump_message())?, links))
    }

    /// All routes of a family, in all tables.
    ///
    /// # Errors
    ///
    /// See [`Connection::dump`].
    pub fn routes(&mut self, family: Family, links: &Links) -> Result<Vec<Route>, Error> {
        Ok(route::from_messages(&self.dump(&route::dump_message(family))?, links))
    }

    /// All rules of a family, first asked first.
    ///
    /// # Errors
    ///
    /// See [`Connection::dump`].
    pub fn rules(&mut self, family: Family) -> Result<Vec<Rule>, Error> {
        Ok(Rule::from_messages(&self.dump(&rule::dump_message(family))?))
    }

    /// All FOU and GUE ports.
    ///
    /// # Errors
    ///
    /// [`Error::FamilyMissing`] if the module `fou` is not loaded; else see [`Connection::dump`].
    pub fn ports(&mut self) -> Result<Vec<fou::Port>, Error> {
        let (connection, family) = self.fou()?;
        let replies = connection.dump(&fou_request(fou::Message::dump(), family))?;
        dialogue::ports(&replies)
    }

    /// Executes a command; what is there or gone already is done.
    ///
    /// # Errors
    ///
    /// What was refused and what to do about it.
    pub fn execute(&mut self, command: &Command) -> Result<(), CommandError> {
        let executed = self.try_execute(command);
        executed.map_err(|problem| CommandError { command: Box::new(command.clone()), problem })
    }

    fn try_execute(&mut self, command: &Command) -> Result<(), Problem> {
        let links = self.links_of(command)?;
        let answer = match command.step(&links) {
            Ok(Step::Route(request)) => self.route.query(&request),
            Ok(Step::Fou(message)) => self.ask_fou(message),
            Ok(Step::Sysctl(sysctl, value)) => return Ok(self.sysctls.write(&sysctl, &value)?),
            Err(Problem::NoDevice(device)) if command.is_done_without(&device) => return Ok(()),
            Err(problem) => return Err(problem),
        };
        match command.outcome(answer) {
            Outcome::Done => Ok(()),
            Outcome::FailedUnlessMade(_) if command.was_made(&self.links()?) => Ok(()),
            Outcome::Failed(problem) | Outcome::FailedUnlessMade(problem) => Err(problem),
        }
    }

    /// The devices that a command names, as far as they are there, as they are now.
    fn links_of(&mut self, command: &Command) -> Result<Links, Error> {
        let mut links = Vec::new();
        for device in command.devices() {
            let answer = self.route.query(&Request::new(&link::get_message(device)));
            links.extend(dialogue::found(answer)?);
        }
        Ok(links.into_iter().collect())
    }

    fn dump(&mut self, message: &RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>, Error> {
        Ok(route_messages(&self.route.dump(&Request::new(message))?))
    }

    fn ask_fou(&mut self, message: fou::Message) -> Result<Replies, Error> {
        let (connection, family) = self.fou()?;
        connection.query(&fou_request(message, family))
    }

    fn fou(&mut self) -> Result<(&mut Connection, u16), Error> {
        if self.generic.is_none() {
            let mut connection = Connection::open(Protocol::Generic)?;
            let answer = connection.query(&generic::resolve(fou::FAMILY_NAME));
            let family = generic::resolved(fou::FAMILY_NAME, fou::FAMILY_NAME, answer)?;
            self.generic = Some((connection, family.id));
        }
        let (connection, family) = self.generic.as_mut().ok_or(Malformed::Lacks("a family"))?;
        Ok((connection, *family))
    }
}
