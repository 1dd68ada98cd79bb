//! The client that blocks the calling thread: for command lines and tests.
//!
//! The one idea: every call is a question of `dialogue` and its reading; the
//! client for tokio is the same with `await`.

use super::dialogue::{
    Asked, read_daemons, read_destinations, read_info, read_report, read_services, read_timeouts, requests,
};
use super::{
    Command, Daemon, DaemonRole, Destination, DestinationKey, Error, FAMILY, Info, ListedDestination,
    ListedService, MODULE, Reason, Report, Service, ServiceKey, ServiceTable, Timeouts,
};
use crate::error::Doing;
use crate::generic;
use crate::socket::blocking::Connection;
use crate::socket::kernel::KernelSocket;
use crate::socket::{OnFailure, Protocol, Replies, Transport};

/// IPVS of one network namespace, blocking.
///
/// It takes CAP_NET_ADMIN over the network namespace of the thread that opens
/// it, and stays there. One call at a time: it is `&mut self` throughout.
///
/// ```no_run
/// let mut client = lb_netlink::ipvs::blocking::Client::open()?;
/// println!("IPVS {}", client.info()?.version);
/// # Ok::<(), lb_netlink::ipvs::Error>(())
/// ```
#[derive(Debug)]
pub struct Client<T = KernelSocket> {
    connection: Connection<T>,
    family: u16,
}

impl Client {
    /// Opens a client in the current network namespace.
    ///
    /// # Errors
    ///
    /// [`crate::Error::FamilyMissing`] if the module `ip_vs` is not loaded,
    /// and how to load it; others if there is no netlink here.
    pub fn open() -> Result<Self, Error> {
        let socket = KernelSocket::open(Protocol::Generic);
        Self::new(socket.map_err(|error| crate::Error::io(Doing::Open, &error))?)
    }
}

impl<T: Transport> Client<T> {
    /// A client over any transport; asks for the family's number at once.
    ///
    /// # Errors
    ///
    /// As [`open`](Client::open).
    pub fn new(transport: T) -> Result<Self, Error> {
        let mut connection = Connection::new(transport);
        let answer = connection.query(&generic::resolve(FAMILY));
        let family = generic::resolved(FAMILY, MODULE, answer)?.id;
        Ok(Self { connection, family })
    }

    /// All services, in the kernel's order, which is that of its hash table.
    ///
    /// One of a protocol above 255 is left out: netlink lets a program make it,
    /// and no packet ever has such a number.
    ///
    /// # Errors
    ///
    /// [`Error`]; every call here takes CAP_NET_ADMIN.
    pub fn services(&mut self) -> Result<Vec<ListedService>, Error> {
        read_services(&self.dump(Asked::services(self.family))?)
    }

    /// One service, or `None` if there is no such service.
    ///
    /// # Errors
    ///
    /// [`Error`]
    pub fn service(&mut self, key: &ServiceKey) -> Result<Option<ListedService>, Error> {
        match self.query(Asked::service(self.family, key)) {
            Ok(replies) => Ok(read_services(&replies)?.pop()),
            Err(Error::Refused(refused)) if refused.reason == Reason::NoSuchService => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The destinations of a service in the kernel's order: the one that was
    /// **added last comes first**.
    ///
    /// # Errors
    ///
    /// [`Reason::NoSuchService`] if there is none; the kernel itself answers
    /// that with an empty list, so an empty one is asked after.
    pub fn destinations(&mut self, key: &ServiceKey) -> Result<Vec<ListedDestination>, Error> {
        let destinations = self.listed(key)?;
        if destinations.is_empty() {
            self.query(Asked::service(self.family, key))?;
        }
        Ok(destinations)
    }

    /// All services with all destinations.
    ///
    /// It takes one dump more than there are services, so it is no single
    /// moment's picture; a service that goes meanwhile is left without destinations.
    ///
    /// # Errors
    ///
    /// [`Error`]
    pub fn snapshot(&mut self) -> Result<Vec<ServiceTable>, Error> {
        let mut tables = Vec::new();
        for service in self.services()? {
            let destinations = self.listed(&service.service.key)?;
            tables.push(ServiceTable { service, destinations });
        }
        Ok(tables)
    }

    /// Executes many commands in order, up to 128 in a round trip, whether or
    /// not some are refused.
    ///
    /// # Errors
    ///
    /// If the socket fails. What was executed is unknown then: take a snapshot.
    /// What the kernel refuses is in the report.
    pub fn execute(&mut self, commands: &[Command]) -> Result<Report, Error> {
        self.execute_until(commands, OnFailure::Continue)
    }

    /// Executes many commands in order, and does as told about those after a failure.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute).
    pub fn execute_until(&mut self, commands: &[Command], on_failure: OnFailure) -> Result<Report, Error> {
        let requests = requests(self.family, commands);
        let report = self.connection.execute(&requests, on_failure)?;
        Ok(read_report(commands, &requests, report))
    }

    /// Executes one command.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with the [`Reason`].
    pub fn run(&mut self, command: &Command) -> Result<(), Error> {
        self.query(Asked::command(self.family, command)).map(drop)
    }

    /// Adds a service.
    ///
    /// # Errors
    ///
    /// [`Reason::ServiceExists`], [`Reason::NoSuchScheduler`] and others.
    pub fn add_service(&mut self, service: &Service) -> Result<(), Error> {
        self.run(&Command::AddService(service.clone()))
    }

    /// Changes a service: all of it but its key.
    ///
    /// # Errors
    ///
    /// [`Reason::NoSuchService`], [`Reason::NoSuchScheduler`] and others.
    pub fn set_service(&mut self, service: &Service) -> Result<(), Error> {
        self.run(&Command::SetService(service.clone()))
    }

    /// Deletes a service with its destinations.
    ///
    /// # Errors
    ///
    /// [`Reason::NoSuchService`] and others.
    pub fn delete_service(&mut self, key: &ServiceKey) -> Result<(), Error> {
        self.run(&Command::DeleteService(*key))
    }

    /// Adds a destination, at the head of the service's list.
    ///
    /// # Errors
    ///
    /// [`Reason::DestinationExists`], [`Reason::NoSuchService`], [`Reason::OutOfRange`] and others.
    pub fn add_destination(&mut self, key: &ServiceKey, destination: &Destination) -> Result<(), Error> {
        self.run(&Command::AddDestination(*key, *destination))
    }

    /// Changes a destination: all of it but its key. Its place in the list stays.
    ///
    /// # Errors
    ///
    /// [`Reason::NoSuchDestination`], [`Reason::NoSuchService`], [`Reason::OutOfRange`] and others.
    pub fn set_destination(&mut self, key: &ServiceKey, destination: &Destination) -> Result<(), Error> {
        self.run(&Command::SetDestination(*key, *destination))
    }

    /// Deletes a destination.
    ///
    /// # Errors
    ///
    /// [`Reason::NoSuchDestination`], [`Reason::NoSuchService`] and others.
    pub fn delete_destination(
        &mut self,
        key: &ServiceKey,
        destination: &DestinationKey,
    ) -> Result<(), Error> {
        self.run(&Command::DeleteDestination(*key, *destination))
    }

    /// Clears the statistics of a service and its destinations, or of everything.
    ///
    /// # Errors
    ///
    /// [`Reason::NoSuchService`] and others.
    pub fn zero(&mut self, key: Option<ServiceKey>) -> Result<(), Error> {
        self.run(&Command::Zero(key))
    }

    /// Deletes all services of this network namespace, whoever made them.
    ///
    /// # Errors
    ///
    /// [`Error`]
    pub fn flush(&mut self) -> Result<(), Error> {
        self.run(&Command::Flush)
    }

    /// The timeouts of idle connections.
    ///
    /// # Errors
    ///
    /// [`Error`]
    pub fn timeouts(&mut self) -> Result<Timeouts, Error> {
        read_timeouts(&self.query(Asked::timeouts(self.family))?)
    }

    /// Sets those timeouts that are not 0.
    ///
    /// # Errors
    ///
    /// [`Reason::Invalid`] if one is more than the kernel can count.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), Error> {
        self.run(&Command::SetTimeouts(timeouts))
    }

    /// The kernel's version of IPVS, and the size of its connection table.
    ///
    /// # Errors
    ///
    /// [`Error`]
    pub fn info(&mut self) -> Result<Info, Error> {
        read_info(&self.query(Asked::info(self.family))?)
    }

    /// The synchronisation daemons that run.
    ///
    /// # Errors
    ///
    /// [`Error`]
    pub fn daemons(&mut self) -> Result<Vec<Daemon>, Error> {
        read_daemons(&self.dump(Asked::daemons(self.family))?)
    }

    /// Starts a synchronisation daemon.
    ///
    /// # Errors
    ///
    /// [`Reason::DaemonRuns`], [`Reason::NoSuchInterface`] and others.
    pub fn start_daemon(&mut self, daemon: &Daemon) -> Result<(), Error> {
        self.run(&Command::StartDaemon(daemon.clone()))
    }

    /// Stops a synchronisation daemon.
    ///
    /// # Errors
    ///
    /// [`Reason::NoSuchDaemon`] and others.
    pub fn stop_daemon(&mut self, role: DaemonRole) -> Result<(), Error> {
        self.run(&Command::StopDaemon(role))
    }

    fn listed(&mut self, key: &ServiceKey) -> Result<Vec<ListedDestination>, Error> {
        read_destinations(&self.dump(Asked::destinations(self.family, key))?, key.family())
    }

    fn dump(&mut self, asked: Asked) -> Result<Replies, Error> {
        self.connection.dump(&asked.request).map_err(|error| asked.failed(error))
    }

    fn query(&mut self, asked: Asked) -> Result<Replies, Error> {
        self.connection.query(&asked.request).map_err(|error| asked.failed(error))
    }
}
