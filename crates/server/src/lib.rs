//! The binary's inside: settings, wiring and one file per command. The tests start it as a library.

pub mod cli;
pub mod commands;
pub mod exit;
pub mod home;
mod http;
pub mod server;
pub mod settings;

use cli::{Cli, Command};
use commands::{admin, backup, demo, device, health, serve, simulate};
use exit::{CommandError, Exit, Result};
use settings::Settings;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

pub async fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Serve(args) => {
            let settings = Settings::resolve(args)?;
            log_to_stderr(&settings.log)?;
            serve::serve(&settings).await
        }
        Command::Demo(args) => {
            log_to_stderr(&log_filter("warn"))?;
            demo::demo(args).await
        }
        Command::Simulate(args) => {
            log_to_stderr(&log_filter("info"))?;
            simulate::simulate(args).await
        }
        Command::Account(command) => admin::account(command).await,
        Command::Token(command) => admin::token(command).await,
        Command::Device(command) => device::device(command).await,
        Command::Config(args) => print_config(&Settings::resolve(args)?),
        Command::Healthcheck(at) => health::check(&at.data_dir).await,
        Command::Backup(args) => backup::backup(args).await,
        Command::Restore(args) => backup::restore(args).await,
    }
}

fn print_config(settings: &Settings) -> Result<()> {
    let rows = settings.rows();
    let width = |text: fn(&settings::Row) -> &str| {
        rows.iter().map(|row| text(row).chars().count()).max().unwrap_or(0)
    };
    let (names, values) = (width(|row| row.name), width(|row| &row.value));
    for row in rows {
        admin::print_line(&format!("{:names$}  {:values$}  # {}", row.name, row.value, row.from))?;
    }
    Ok(())
}

/// For commands without settings: the environment, or the command's own default.
fn log_filter(default: &str) -> String {
    std::env::var("LOCKWARDEN_LOG").unwrap_or_else(|_| default.to_owned())
}

/// Human text goes to stderr, so that stdout stays data.
fn log_to_stderr(filter: &str) -> Result<()> {
    let words = "error, warn, info, debug, or filters like info,lockwarden_gateway=debug";
    // A word without `=` would be taken for the name of a module, and a level that is spelt wrong would silence all.
    let is_level = |part: &str| part.contains('=') || part.trim().parse::<LevelFilter>().is_ok();
    let filter = EnvFilter::try_new(filter).ok().filter(|_| filter.split(',').all(is_level));
    let filter = filter.ok_or_else(|| CommandError::new(Exit::Invalid, format!("log: {words}")))?;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(!plain && std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .with_target(false);
    // A test may have set one up already.
    let _ = subscriber.try_init();
    Ok(())
}
