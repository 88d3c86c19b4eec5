//! The binary's inside: settings, wiring and one file per command. The tests start it as a library.

pub mod cli;
pub mod commands;
pub mod exit;
pub mod home;
mod http;
pub mod server;
pub mod settings;

use cli::{Cli, Command};
use commands::{admin, backup, demo, health, serve, simulate};
use exit::Result;
use settings::Settings;

pub async fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Serve(args) => {
            let settings = Settings::resolve(args)?;
            log_to_stderr(&settings.log);
            serve::serve(&settings).await
        }
        Command::Demo(args) => {
            log_to_stderr(&log_filter("warn"));
            demo::demo(args).await
        }
        Command::Simulate(args) => {
            log_to_stderr(&log_filter("info"));
            simulate::simulate(args).await
        }
        Command::Account(command) => admin::account(command).await,
        Command::Token(command) => admin::token(command).await,
        Command::Device(command) => admin::device(command).await,
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
fn log_to_stderr(filter: &str) {
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_target(false);
    // A test may have set one up already.
    let _ = subscriber.try_init();
}
