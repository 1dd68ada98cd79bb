//! The files of `--out DIR`: events, series, report.
//!
//! Events and samples are written as they come; the files take their places
//! when the run is over. The first failure to write is kept and told at the end,
//! because an observer cannot stop a run.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use sim::record::{Record, Sample};

use crate::input::Fault;
use crate::replacement::{self, Replacement};
use crate::series::SeriesWriter;

/// The files of one run.
#[derive(Debug)]
pub(super) struct Artifacts {
    folder: PathBuf,
    events: Replacement,
    series: SeriesWriter,
    failed: Option<Fault>,
}

impl Artifacts {
    /// Makes the folder and begins the files.
    pub(super) fn create(folder: &Path) -> Result<Self, Fault> {
        fs::create_dir_all(folder).map_err(|error| replacement::fault(folder, &error))?;
        let events = Replacement::create(&folder.join("events.jsonl"))?;
        let series = SeriesWriter::new(Replacement::create(&folder.join("series.parquet"))?)?;
        Ok(Self { folder: folder.to_owned(), events, series, failed: None })
    }

    pub(super) fn event(&mut self, record: &Record<'_>) {
        let written = serde_json::to_writer(&mut self.events, record).map_err(std::io::Error::from);
        if let Err(error) = written.and_then(|()| self.events.write_all(b"\n")) {
            let fault = self.events.fault(&error);
            self.failed.get_or_insert(fault);
        }
    }

    pub(super) fn sample(&mut self, sample: &Sample<'_>) {
        if let Err(fault) = self.series.write(sample.t_s, sample.zone, sample.metric, sample.value) {
            self.failed.get_or_insert(fault);
        }
    }

    /// Puts all files in their places.
    pub(super) fn finish(self, report: &str) -> Result<(), Fault> {
        if let Some(fault) = self.failed {
            return Err(fault);
        }
        let mut page = Replacement::create(&self.folder.join("report.html"))?;
        page.write_all(report.as_bytes()).map_err(|error| page.fault(&error))?;
        self.events.finish()?;
        self.series.finish()?;
        page.finish()
    }
}
