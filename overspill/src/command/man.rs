//! `man [COMMAND]`: the manual pages, made from the same words as `--help`.

use clap::CommandFactory;

use super::Stop;
use crate::cli::{Cli, Man};
use crate::output::Output;

pub(super) fn run(arguments: &Man, out: &mut Output) -> Result<(), Stop> {
    let mut command = Cli::command();
    command.build();
    let page = match &arguments.command {
        None => command,
        Some(name) => {
            let Some(page) = command.find_subcommand(name) else {
                let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
                return Err(Stop::Usage(format!("no command `{name}`; write one of: {}", names.join(", "))));
            };
            page.clone()
        }
    };
    Ok(clap_mangen::Man::new(page).render(out)?)
}
