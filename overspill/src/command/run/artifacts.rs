//! The files of `--out DIR`: events, series, report.
//!
//! Events and samples are written as they come; the files take their places
//! when the run is over. The first failure to write is kept and told at the end,
//! because an observer cannot stop a run.

use std::fs;
use std::io::Write;
use std::path::Path;

use sim::record::{Record, Sample};

use crate::replacement::{self, Complete, Replacement};
use crate::series::SeriesWriter;
use files::Fault;

/// The files of one run.
#[derive(Debug)]
pub(super) struct Artifacts {
    events: Replacement,
    series: SeriesWriter,
    page: Replacement,
    failed: Option<Fault>,
}

impl Artifacts {
    /// Makes the folder and begins the files.
    pub(super) fn create(folder: &Path) -> Result<Self, Fault> {
        if folder.exists() && !folder.is_dir() {
            let message = "is a file; name a folder, or a new one".to_owned();
            return Err(Fault::whole(folder.display().to_string(), message));
        }
        fs::create_dir_all(folder).map_err(|error| replacement::fault(folder, &error))?;
        let events = Replacement::create(&folder.join("events.jsonl"))?;
        let series = SeriesWriter::new(Replacement::create(&folder.join("series.parquet"))?)?;
        // begun now, so that what stands in its way is told before the run and not after
        let page = Replacement::create(&folder.join("report.html"))?;
        Ok(Self { events, series, page, failed: None })
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

    /// Puts all files in their places, if all could be written.
    pub(super) fn finish(self, report: &str) -> Result<(), Fault> {
        if let Some(fault) = self.failed {
            return Err(fault);
        }
        let mut page = self.page;
        page.write_all(report.as_bytes()).map_err(|error| page.fault(&error))?;
        let complete = [self.events.complete()?, self.series.complete()?, page.complete()?];
        complete.into_iter().try_for_each(Complete::place)
    }
}
