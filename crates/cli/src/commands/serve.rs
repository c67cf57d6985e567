//! `stead serve`: holds the home, and answers over HTTP until it is told to leave.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded, select};
use serde_json::json;
use stead_engine::engine::Engine;
use stead_engine::log::{Format, Level, Log};
use stead_engine::net::NetworkPolicy;
use stead_engine::traces::Traces;
use stead_engine::{EngineError, Settings};
use stead_platform::machine;
use stead_server::listen::PublicUrl;
use stead_server::{Host, Measures, Server, listen};
use stead_store::StoreError;

use crate::args::Serve;
use crate::error::{CliError, codes};
use crate::exit::Exit;
use crate::follow::settings;
use crate::here::{Here, actor};
use crate::limits::{HOME_PATIENCE, LOG_FLUSH, OPEN_FILES, TRACE_FLUSH};
use crate::out;
use crate::signals::{self, Leave};
use crate::text;

/// Serves.
///
/// # Errors
/// When the address is not to be listened at, another process holds the home, or the engine stops by itself.
pub fn serve(here: &Here, args: &Serve) -> Result<Exit, CliError> {
    let addr = listen::address(&args.listen)?;
    let public = args.public_url.as_deref().map(PublicUrl::read).transpose()?;
    let signals = signals::listen()?;
    // Each client that follows is an open connection.
    machine::open_files(OPEN_FILES);
    stead_engine::access::check_provider(here.home("to serve")?)?;
    // Who is reached by others runs what others start.
    let others = public.is_some() || !addr.ip().to_canonical().is_loopback();
    let network = if others { NetworkPolicy::of_server(here.home("to serve")?)? } else { NetworkPolicy::OWN };
    let log = log(args)?;
    let says = Says { log: &log, plain: args.log_format == "text" };
    let traces = Traces::of_environment(|name| std::env::var(name).ok(), &log)
        .map_err(|why| CliError::usage(codes::SETTINGS, why))?;
    let public_origin = public.as_ref().map(listen::PublicUrl::origin);
    let engine = take(here, public_origin, network, log.clone(), traces.clone())?;
    let host = Host { asker: engine.asker(), by: actor(), folder: here.project(), public: public.clone() };
    let begun = engine.follow().map_err(CliError::from).and_then(|written| {
        let server = Server::start(host, addr, Measures::default())?;
        Ok((written, server))
    });
    let (written, server) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            engine.stop()?;
            return Err(error);
        }
    };
    let url = format!("http://{}", server.addr());
    engine.serves(&public.as_ref().map_or_else(|| url.clone(), PublicUrl::text));
    match args.json {
        true => out::json(&json!({"type": "serving", "url": url, "pid": std::process::id()}))?,
        false => out::answer(&format!("listening at {url}\n"))?,
    }
    let fields = [
        ("url", json!(url)),
        ("pid", json!(std::process::id())),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("home", json!(here.home("to serve")?.root().display().to_string())),
    ];
    log.note(Level::Info, "serving", &fields);
    if public.is_none() && !server.addr().ip().to_canonical().is_loopback() {
        says.note(
            Level::Warn,
            "unencrypted",
            "what goes over the network is not encrypted: tokens can be read there. A proxy in front of it encrypts (`--public-url`)",
        );
    }
    let recovered = engine.recovered().len();
    if recovered > 0 {
        let told = text::count(recovered, "run") + if recovered == 1 { " goes on" } else { " go on" };
        says.note(Level::Info, "recovered", &told);
    }
    loop {
        select! {
            recv(signals) -> _ => break,
            // What is written is not shown here. When nothing will be, the engine has stopped.
            recv(written) -> written => if written.is_err() {
                log.note(Level::Error, "engine.stopped", &[]);
                server.stop();
                let stopped = engine.stop();
                traces.leave(TRACE_FLUSH);
                log.flush(LOG_FLUSH);
                stopped?;
                return Err(CliError::machine("the engine has stopped"));
            },
        }
    }
    drop(written);
    let left = leave(engine, server, &signals, &says);
    traces.leave(TRACE_FLUSH);
    log.note(Level::Info, "left", &[]);
    log.flush(LOG_FLUSH);
    left?;
    Ok(Exit::Done)
}

/// Where it is said what happens.
fn log(args: &Serve) -> Result<Log, CliError> {
    let format = if args.log_format == "json" { Format::Json } else { Format::Text };
    // It is one of those that may be given.
    let level = args.log.parse().unwrap_or(Level::Warn);
    Log::to(std::io::stderr(), format, level)
        .map_err(|e| CliError::machine(format!("no thread can be made: {e}")))
}

/// Says what whoever starts a server should read: plainly to people, else as one more event.
struct Says<'a> {
    log: &'a Log,
    plain: bool,
}

impl Says<'_> {
    fn note(&self, level: Level, event: &str, text: &str) {
        match self.plain {
            true => out::note(text),
            false => self.log.note(level, event, &[("text", json!(text))]),
        }
    }
}

/// Takes the home. A command that holds it for a moment is waited for.
fn take(
    here: &Here,
    public: Option<String>,
    network: NetworkPolicy,
    log: Log,
    traces: Traces,
) -> Result<Engine, CliError> {
    let settings = Settings { public, network, log, traces, ..settings(here)? };
    let since = Instant::now();
    loop {
        match Engine::open(here.home("to serve")?, settings.clone()) {
            Err(EngineError::Store(StoreError::Held { .. } | StoreError::HeldByUnknown { .. }))
                if since.elapsed() < HOME_PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(50));
            }
            engine => return engine.map_err(|error| here.explained(error)),
        }
    }
}

/// Requests under way end, then attempts: in their grace, and what must not be cut off by itself. Another signal ends
/// all of it at once.
fn leave(engine: Engine, server: Server, signals: &Receiver<Leave>, says: &Says<'_>) -> Result<(), CliError> {
    let under_way = engine.under_way();
    if under_way > 0 {
        let attempts = text::count(under_way, "attempt");
        let told = format!("leaving: {attempts} under way; another signal ends what is waited for");
        says.note(Level::Info, "leaving", &told);
    }
    let (hurry, cut) = (engine.hurry(), server.cut());
    let (stopped, stopping) = bounded(1);
    let stop = move || {
        server.stop();
        // Nobody waits any more only when this process is on its way out.
        let _ = stopped.send(engine.stop());
    };
    let thread = std::thread::Builder::new().name("stop".into()).spawn(stop);
    thread.map_err(|e| CliError::machine(format!("no thread can be made: {e}")))?;
    loop {
        select! {
            recv(signals) -> _ => {
                cut.now();
                hurry.now();
            }
            recv(stopping) -> stopped => return Ok(stopped.unwrap_or(Ok(()))?),
        }
    }
}
