//! Registration plugins: the ways in which a tracker may be registered, each with its own parameters.

use domain::DeviceModel;

/// A plugin as `plugin/list` shows it.
#[derive(Debug)]
pub struct Plugin {
    pub id: i64,
    pub r#type: &'static str,
    pub module: &'static str,
    pub ui_module: &'static str,
    pub filter: ModelFilter,
}

/// Which device models a plugin takes. `values` are model codes; `exclusion` says that they are the ones it does not take.
#[derive(Debug)]
pub struct ModelFilter {
    pub exclusion: bool,
    /// Regular expressions of the form `prefix.*`, matched against the whole code.
    pub values: &'static [&'static str],
}

/// The models of apps on phones, which have no device id of their own.
const MOBILE: &[&str] = &["mobile_unknown.*"];

/// All plugins of the server.
pub const PLUGINS: &[Plugin] = &[Plugin {
    id: 44,
    r#type: "tracker_register",
    module: "com.navixy.plugin.tracker.register.optional_activation_phone",
    ui_module: "Registration.appPlugins.OptionalActivationPhone",
    filter: ModelFilter { exclusion: true, values: MOBILE },
}];

impl Plugin {
    pub fn find(id: i64) -> Option<&'static Self> {
        PLUGINS.iter().find(|plugin| plugin.id == id)
    }

    pub fn takes(&self, model: &DeviceModel) -> bool {
        let named = self.filter.values.iter().any(|pattern| match pattern.strip_suffix(".*") {
            Some(prefix) => model.code.starts_with(prefix),
            None => *model.code == **pattern,
        });
        named != self.filter.exclusion
    }
}
