//! The files that `forward` writes: packets, and a verdict for each.

use std::path::Path;

use super::node::Handled;
use crate::capture::{Precision, Writer};
use crate::replacement::{Complete, Replacement};
use files::Fault;

/// Both files, in their places only when finished.
#[derive(Debug)]
pub(super) struct Outputs {
    packets: Writer<Replacement>,
    verdicts: Option<csv::Writer<Replacement>>,
    index: u64,
}

impl Outputs {
    /// Begins both files.
    pub(super) fn create(packets: &Path, verdicts: Option<&Path>) -> Result<Self, Fault> {
        let packets = Writer::new(Replacement::create(packets)?);
        let verdicts = verdicts.map(Replacement::create).transpose()?.map(csv::Writer::from_writer);
        let mut outputs = Self { packets, verdicts, index: 0 };
        outputs.row(["index", "verdict", "reason", "backend"])?;
        Ok(outputs)
    }

    /// Writes what is sent because of a packet, and its row.
    pub(super) fn write(&mut self, handled: &Handled<'_>, precision: Precision) -> Result<(), Fault> {
        if !handled.sent.is_empty() {
            let written = self.packets.write(handled.time_ns, precision, handled.sent);
            written.map_err(|error| self.packets.sink().fault(&error))?;
        }
        if self.verdicts.is_some() {
            let backend = handled.backend.map_or_else(String::new, |backend| backend.to_string());
            self.row([&self.index.to_string(), handled.verdict_name(), &handled.reason(), &backend])?;
            self.index += 1;
        }
        Ok(())
    }

    /// Puts both files in their places.
    pub(super) fn finish(self) -> Result<(), Fault> {
        let target = self.packets.sink().target().to_owned();
        let packets = self.packets.finish().map_err(|error| crate::replacement::fault(&target, &error))?;
        let verdicts = self.verdicts.map(|verdicts| {
            let target = verdicts.get_ref().target().to_owned();
            verdicts.into_inner().map_err(|error| crate::replacement::fault(&target, error.error()))
        });
        let verdicts = verdicts.transpose()?.map(Replacement::complete).transpose()?;
        packets.complete()?.place()?;
        verdicts.map_or(Ok(()), Complete::place)
    }

    fn row(&mut self, row: [&str; 4]) -> Result<(), Fault> {
        let Some(verdicts) = &mut self.verdicts else { return Ok(()) };
        let written = verdicts.write_record(row);
        written.map_err(|error| verdicts.get_ref().fault(&error.into()))
    }
}
