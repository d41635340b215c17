//! What every catalog does with sensors, and with what else is set for a device when it is replaced.

use crate::world::{account, at, register, source};
use domain::{
    CalcMethod, CalibrationPoint, CounterRule, CounterType, DeviceId, Discrete, DiscreteType, GroupType,
    InputName, Metering, MeteringInput, ModelCode, NewSensor, Sensor, SensorId, SensorKind, SensorOrigin,
    SourceId, ValueTitle, VirtualSensor, VirtualType, default_sensors,
};
use serde_json::{Map, Value, json};
use store::catalog::{Catalog, CatalogError, IgnitionSensor, Release, SourceSetting};

fn names(sensors: &[Sensor]) -> Vec<&str> {
    sensors.iter().map(|sensor| &*sensor.name).collect()
}

fn by_user(name: &str, kind: SensorKind) -> NewSensor {
    NewSensor { name: name.into(), origin: SensorOrigin::User, kind }
}

fn virtual_ignition() -> SensorKind {
    SensorKind::Virtual(VirtualSensor {
        sensor_type: VirtualType::VirtualIgnition,
        input: InputName::find("board_voltage").unwrap(),
        custom_field_name: Some(false),
        method: CalcMethod::InRange { from: Some(13.4), to: None },
        titles: vec![ValueTitle { value: "1".into(), title: "läuft".into() }],
    })
}

pub(crate) async fn sensors_come_with_the_device(catalog: &Catalog) {
    let account = account(catalog, "a").await;
    let (source, _) = register(catalog, account, "1").await;
    let expected = default_sensors(ModelCode::find("telfmb920").unwrap().model());
    let sensors = catalog.sensors_of(source).await.unwrap();
    assert!(sensors.is_sorted_by_key(|sensor| sensor.id));
    let without_ids =
        sensors.into_iter().map(|Sensor { name, origin, kind, .. }| NewSensor { name, origin, kind });
    assert_eq!(without_ids.collect::<Vec<_>>(), expected);
    assert_eq!(catalog.ignition_sensors().await.unwrap(), []);
    assert_eq!(catalog.sensors_of(SourceId(source.0 + 1)).await.unwrap(), []);
}

pub(crate) async fn sensors_are_made_changed_and_deleted(catalog: &Catalog) {
    let account = account(catalog, "a").await;
    let (source, _) = register(catalog, account, "1").await;
    let (other, _) = register(catalog, account, "2").await;
    let before = catalog.sensors_of(source).await.unwrap();

    let id = catalog.create_sensor(source, &by_user("V", virtual_ignition()), None, None).await.unwrap();
    let mut sensor = by_user("V", virtual_ignition()).with_id(id);
    let made = catalog.sensors_of(source).await.unwrap();
    assert_eq!((&made[..before.len()], &made[before.len()..]), (&*before, &[sensor.clone()][..]));
    let ignition = IgnitionSensor { source, model: "telfmb920".into(), sensor: sensor.clone() };
    assert_eq!(catalog.ignition_sensors().await.unwrap(), [ignition]);

    sensor.name = "D".into();
    sensor.kind = SensorKind::Discrete(Discrete { sensor_type: DiscreteType::Door, input_number: 8 });
    catalog.update_sensor(source, &sensor).await.unwrap();
    assert_eq!(catalog.sensors_of(source).await.unwrap().last(), Some(&sensor));
    assert_eq!(catalog.ignition_sensors().await.unwrap(), []);
    for answer in [
        catalog.update_sensor(other, &sensor).await,
        catalog.update_sensor(source, &Sensor { id: SensorId(id.0 + 1), ..sensor.clone() }).await,
        catalog.delete_sensor(other, id, &[], None).await,
    ] {
        assert!(matches!(answer, Err(CatalogError::NotFound)), "{answer:?}");
    }

    // One gives way to another, and its number is never given again.
    let next =
        catalog.create_sensor(source, &by_user("next", virtual_ignition()), Some(id), None).await.unwrap();
    assert!(next > id);
    let mut orphan = before[1].clone();
    orphan.name = "orphan".into();
    catalog.delete_sensor(source, next, &[orphan.clone()], None).await.unwrap();
    let left = catalog.sensors_of(source).await.unwrap();
    assert_eq!((left.len(), &left[1]), (before.len(), &orphan));
    let nobody = catalog.create_sensor(SourceId(999), &by_user("x", virtual_ignition()), None, None).await;
    assert!(matches!(nobody, Err(CatalogError::ReferenceNotFound)), "{nobody:?}");
}

pub(crate) async fn copies_of_sensors_name_copied_parents(catalog: &Catalog) {
    let account = account(catalog, "a").await;
    let (base, _) = register(catalog, account, "1").await;
    let (target, _) = register(catalog, account, "2").await;
    let mut sensors = catalog.sensors_of(base).await.unwrap();
    let SensorKind::Metering(mut tank) = sensors[2].kind.clone() else { panic!("{sensors:?}") };
    tank.calibration =
        vec![CalibrationPoint { r#in: 0.1, out: 1e300 }, CalibrationPoint { r#in: 2.0, out: -3.5 }];
    sensors[2].kind = SensorKind::Metering(tank.clone());
    catalog.update_sensor(base, &sensors[2]).await.unwrap();
    let both =
        MeteringInput::Composite { parents: vec![sensors[2].id, sensors[3].id], group: GroupType::Average };
    let both = SensorKind::Metering(Metering { input: both, calibration: vec![], ..tank });
    catalog.create_sensor(base, &by_user("both", both), None, None).await.unwrap();

    let sensors = catalog.sensors_of(base).await.unwrap();
    let foreign = catalog.sensors_of(target).await.unwrap();
    catalog.copy_sensors(&sensors, &[(target, None)]).await.unwrap();
    let copies = catalog.sensors_of(target).await.unwrap();
    assert_eq!(names(&copies), names(&sensors));
    assert!(copies.iter().all(|copy| foreign.iter().all(|former| former.id != copy.id)));
    assert_eq!(copies[2].kind, sensors[2].kind);
    assert_eq!(copies.last().unwrap().parents(), Some(&[copies[2].id, copies[3].id][..]));
    assert_eq!(catalog.sensors_of(base).await.unwrap(), sensors);
}

pub(crate) async fn a_replacement_has_what_was_set_for_the_device(catalog: &Catalog) {
    let account = account(catalog, "a").await;
    let (old, tracker) = register(catalog, account, "1").await;
    let value = Map::from_iter([("max_radius".to_owned(), Value::from(500))]);
    let setting = |source| SourceSetting { source, kind: "lbs".to_owned(), value: value.clone() };
    catalog.set_source_setting(&setting(old)).await.unwrap();
    let value = json!({ "type": "protocol_toy", "password": "1234", "port": 7, "form": null });
    let kind = "special.protocol_toy".to_owned();
    let of_protocol = SourceSetting { source: old, kind, value: value.as_object().unwrap().clone() };
    catalog.set_source_setting(&of_protocol).await.unwrap();
    let admitted = async |device_id: &str| {
        let admission = catalog.admission(&DeviceId::new(device_id).unwrap()).await.unwrap().unwrap();
        (admission.source, admission.settings.into_iter().collect::<Vec<_>>())
    };
    let settings =
        [("password", "1234"), ("port", "7")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(admitted("1").await, (old, settings.to_vec()));
    catalog.set_output_title(old, 1, "Horn").await.unwrap();
    let rule = CounterRule { multiplier: 2.0, ..CounterRule::default() };
    catalog.set_counter(old, CounterType::Odometer, &rule).await.unwrap();
    let counters = catalog.counters_of(old).await.unwrap();
    let made = catalog.create_sensor(old, &by_user("V", virtual_ignition()), None, None).await.unwrap();
    // JSON has no such number: what is there stays, and is read.
    let infinite = CounterRule { offset: f64::NEG_INFINITY, ..rule };
    let refused = catalog.set_counter(old, CounterType::Odometer, &infinite).await;
    assert_fails!(refused, CatalogError::Unavailable(_));
    assert_eq!(catalog.counters_of(old).await.unwrap(), counters);

    let release = Release { source: old, at: at(10) };
    let new = catalog.replace(release, &source(catalog, account, "2").await, None).await.unwrap();
    let of_protocol = SourceSetting { source: new, ..of_protocol };
    assert_eq!(catalog.settings_of_source(new).await.unwrap(), [setting(new), of_protocol]);
    assert_eq!(admitted("2").await, (new, settings.to_vec()));
    assert_eq!(catalog.output_titles(new).await.unwrap(), [(1, "Horn".to_owned())]);
    assert_eq!(catalog.counters_of(new).await.unwrap(), counters);
    assert_eq!(catalog.settings_of_source(old).await.unwrap(), []);
    // The past of the old one is read by what told its ignition.
    let ignition = catalog.ignition_sensors().await.unwrap();
    assert_eq!(
        ignition.iter().map(|it| (it.source, it.sensor.id == made)).collect::<Vec<_>>(),
        [(old, false), (new, true)]
    );
    assert_eq!(catalog.sensors_of(old).await.unwrap(), [ignition[0].sensor.clone()]);
    assert_eq!(catalog.tracker(account, tracker).await.unwrap().unwrap().source, new);
    assert_fails!(
        catalog.replace(release, &source(catalog, account, "3").await, None).await,
        CatalogError::NotFound
    );
}
