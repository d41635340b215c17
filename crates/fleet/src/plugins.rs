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
    pub codes: ActivationCodes,
}

/// Which device models a plugin takes. `values` are model codes; `exclusion` says that they are the ones it does not take.
#[derive(Debug)]
pub struct ModelFilter {
    pub exclusion: bool,
    /// Regular expressions of the form `prefix.*`, matched against the whole code.
    pub values: &'static [&'static str],
}

/// What a plugin wants to know beyond the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivationCodes {
    Optional,
    Required,
}

/// The plugin of devices that are sold with a SIM, which names the SIM.
pub(crate) const BUNDLED_SIM: i64 = 1;

/// The models of apps on phones, which have no device id of their own.
const MOBILE: &[&str] = &["navixymobile", "mobile_unknown.*"];
const ALL_BUT_MOBILE: ModelFilter = ModelFilter { exclusion: true, values: MOBILE };
const ONLY_MOBILE: ModelFilter = ModelFilter { exclusion: false, values: MOBILE };

/// All plugins of the server, the default one first.
pub const PLUGINS: &[Plugin] = &[
    Plugin {
        id: 44,
        r#type: "tracker_register",
        module: "com.navixy.plugin.tracker.register.optional_activation_phone",
        ui_module: "Registration.appPlugins.OptionalActivationPhone",
        filter: ALL_BUT_MOBILE,
        codes: ActivationCodes::Optional,
    },
    Plugin {
        id: 37,
        r#type: "tracker_register",
        module: "com.navixy.plugin.tracker.register.activation_phone",
        ui_module: "Registration.appPlugins.ActivationPhone",
        filter: ALL_BUT_MOBILE,
        codes: ActivationCodes::Required,
    },
    Plugin {
        id: 35,
        r#type: "tracker_register",
        module: "com.navixy.plugin.tracker.register.optional_activation_mobile",
        ui_module: "Registration.appPlugins.OptionalActivationMobile",
        filter: ONLY_MOBILE,
        codes: ActivationCodes::Optional,
    },
    Plugin {
        id: 68,
        r#type: "tracker_register",
        module: "com.navixy.plugin.tracker.register.activation_mobile",
        ui_module: "Registration.appPlugins.ActivationMobile",
        filter: ONLY_MOBILE,
        codes: ActivationCodes::Required,
    },
    Plugin {
        id: BUNDLED_SIM,
        r#type: "tracker_register",
        module: "com.navixy.plugin.tracker.register.bundled_sim",
        ui_module: "Registration.appPlugins.BundledSim",
        filter: ALL_BUT_MOBILE,
        codes: ActivationCodes::Optional,
    },
];

/// Whether the model is an app on a phone.
pub(crate) fn is_mobile(code: &str) -> bool {
    ONLY_MOBILE.takes(code)
}

impl Plugin {
    pub fn find(id: i64) -> Option<&'static Self> {
        PLUGINS.iter().find(|plugin| plugin.id == id)
    }

    pub fn takes(&self, model: &DeviceModel) -> bool {
        self.filter.takes(&model.code)
    }
}

impl ModelFilter {
    fn takes(&self, code: &str) -> bool {
        let named = self.values.iter().any(|pattern| match pattern.strip_suffix(".*") {
            Some(prefix) => code.starts_with(prefix),
            None => code == *pattern,
        });
        named != self.exclusion
    }
}
