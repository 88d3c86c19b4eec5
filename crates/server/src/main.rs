//! `lockwarden`: see `lockwarden --help`.

use std::process::ExitCode;

use clap::Parser as _;
use lockwarden_server::cli::Cli;
use lockwarden_server::commands::admin::tell;

#[tokio::main]
async fn main() -> ExitCode {
    match lockwarden_server::run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("lockwarden: {}", error.words));
            error.into()
        }
    }
}
