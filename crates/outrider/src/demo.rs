//! `serve --demo`: an account that anybody may look around in, and a simulated fleet that reports to this server over
//! loopback sockets. It keeps its own data directory, and nobody else can reach it.

use crate::config::{Catalog, Config, SmsProvider};
use anyhow::{Context, anyhow, bail};
use domain::{Clock, DeviceId, ErrorCode, GroupId};
use fleet::{
    DeviceChoice, Failure, LegalType, Person, Profile, Registration, RegistrationCommands, UserCaller,
    UserDraft,
};
use simulator::{Counts, Habits, History, Surroundings, Tcp};
use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

pub const LOGIN: &str = "demo";
pub const PASSWORD: &str = "demo";
/// The data directory, unless the command line names one.
pub const DATA_DIR: &str = "demo-data";

const VEHICLES: usize = 40;
const SEED: u64 = 1;
/// The model of the simulated devices.
const MODEL: &str = "telfmb920";
const COLORS: [&str; simulator::Fleet::GROUPS.len()] = ["1E96DC", "DC7A1E", "6AA84F"];
/// Says that the demo made the directory.
const MARK: &str = "demo";

/// The configuration as the demo runs it.
///
/// # Errors
/// When a listener could be reached from elsewhere, the directory or another catalog holds somebody's data, or messages
/// would go out.
pub fn prepare(mut config: Config, data_dir: Option<PathBuf>) -> anyhow::Result<Config> {
    config.data_dir = data_dir.unwrap_or_else(|| DATA_DIR.into());
    let listeners = [
        ("[http] listen", config.http.listen.ip()),
        ("[admin] listen", config.admin.listen.ip()),
        ("[devices] bind", config.devices.bind),
    ];
    for (key, address) in listeners {
        if !address.is_loopback() {
            bail!("the demo's password is known to all: {key} must be a loopback address, not {address}");
        }
    }
    if config.store.catalog != Catalog::Sqlite {
        bail!("the demo keeps a catalog of its own: [store] catalog must be sqlite");
    }
    if config.sms.provider != SmsProvider::None {
        bail!("the demo sends no short messages: [sms] provider must be none");
    }
    claim(&config.data_dir).with_context(|| config.data_dir.display().to_string())?;
    Ok(config)
}

/// Marks a new directory as the demo's; refuses one that is not.
fn claim(data_dir: &Path) -> anyhow::Result<()> {
    let is_empty = match fs::read_dir(data_dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(error.into()),
    };
    if !is_empty && !data_dir.join(MARK).exists() {
        bail!("not made by the demo: it would mix simulated vehicles with what is there");
    }
    crate::data_dir::prepare(data_dir)?;
    Ok(fs::write(data_dir.join(MARK), "this directory belongs to `outrider serve --demo`\n")?)
}

/// Makes account, groups and trackers where they do not exist yet.
///
/// # Errors
/// When the catalog fails.
pub async fn populate(fleet: &fleet::Fleet) -> anyhow::Result<()> {
    let demo = owner(fleet).await.map_err(said("making the demo account"))?;
    let known: HashMap<_, _> = fleet.groups(&demo).into_iter().map(|group| (group.title, group.id)).collect();
    let mut groups = HashMap::new();
    for (title, color) in simulator::Fleet::GROUPS.into_iter().zip(COLORS) {
        let id = match known.get(title) {
            Some(id) => *id,
            None => fleet.create_group(&demo, title, color).await.map_err(said("making a group"))?,
        };
        groups.insert(title, id);
    }
    let registered: Vec<_> =
        fleet.trackers(&demo).into_iter().filter_map(|view| view.source.device_id.clone()).collect();
    for member in simulated().members() {
        let imei = member.device.imei.to_string();
        if registered.iter().any(|id| id.as_str() == imei) {
            continue;
        }
        let group = groups.get(member.group).copied().unwrap_or(GroupId::NONE);
        let registration = Registration {
            label: format!("{} · {}", member.label, member.driver),
            group,
            device: DeviceChoice {
                model: MODEL.to_owned(),
                plugin: 44,
                device_id: Some(DeviceId::new(&imei)?),
                phone: None,
                iccid: None,
            },
            commands: RegistrationCommands::default(),
            activation_code: None,
        };
        fleet.register(&demo, registration).await.map_err(said("registering a vehicle"))?;
    }
    Ok(())
}

async fn owner(fleet: &fleet::Fleet) -> Result<UserCaller, Failure> {
    let draft = UserDraft {
        login: LOGIN.to_owned(),
        password: PASSWORD.to_owned(),
        activated: true,
        verified: true,
        person: Person {
            first_name: "Demo".to_owned(),
            middle_name: String::new(),
            last_name: "Fleet".to_owned(),
            phone: String::new(),
            legal_type: LegalType::Individual,
            profile: Profile::default(),
        },
        comment: String::new(),
        time_zone: Some("Europe/Berlin".to_owned()),
        locale: Some("en_US".to_owned()),
        default_tariff: None,
    };
    match fleet.create_master(draft).await {
        Ok(_) => {}
        Err(failure) if failure.code == ErrorCode::LoginInUse => {}
        Err(failure) => return Err(failure),
    }
    let log_in = async || fleet.log_in(LOGIN, PASSWORD, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    let hash = match log_in().await {
        // Whoever looked around has changed it.
        Err(failure) if failure.code == ErrorCode::WrongLogin => {
            fleet.restore_password(LOGIN, PASSWORD).await?;
            log_in().await?
        }
        other => other?,
    };
    let caller = fleet.user_caller(&hash).await?;
    fleet.log_out(&caller).await?;
    Ok(caller)
}

/// The vehicles drive and report until the server stops; first they tell of the last 24 hours. What the server has
/// already is sent again and kept once: a vehicle's records follow from its seed and the time alone.
pub async fn drive(target: SocketAddr, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let surroundings =
        Surroundings { dial: Tcp(target), clock, habits: Habits::REAL, counts: Counts::default(), stop };
    simulated().run(History::Day, Arc::new(surroundings)).await;
}

/// Tells the person at the terminal where to look.
///
/// # Errors
/// When nothing can be printed.
pub fn announce(http: SocketAddr) -> io::Result<()> {
    let mut terminal = io::stderr().lock();
    writeln!(terminal, "\n  The demo is on  http://{http}/   login {LOGIN}   password {PASSWORD}\n")
}

fn simulated() -> simulator::Fleet {
    simulator::Fleet::new(SEED, VEHICLES)
}

fn said(doing: &'static str) -> impl Fn(Failure) -> anyhow::Error {
    move |failure| anyhow!("{doing}: {}", failure.code.description())
}
