//! The error codes of the API, with the HTTP status and the words that go with each.

macro_rules! error_codes {
    ($($code:literal $http:literal $name:ident $description:literal;)*) => {
        /// What went wrong, as the API says it. The number is the code on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum ErrorCode { $($name = $code),* }

        impl ErrorCode {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn http_status(self) -> u16 {
                match self { $(Self::$name => $http),* }
            }

            pub fn description(self) -> &'static str {
                match self { $(Self::$name => $description),* }
            }
        }
    };
}

error_codes! {
    1   500 DatabaseError "Database error";
    3   400 NoHash "Wrong hash";
    4   400 SessionNotFound "User or API key not found or session ended";
    5   400 WrongRequestFormat "Wrong request format";
    6   500 Unexpected "Unexpected error";
    7   400 InvalidParameters "Invalid parameters";
    8   503 QueueUnavailable "Queue service error, try again later";
    9   412 TooLargeRequest "Too large request";
    11  403 AccessDenied "Access denied";
    12  400 DealerNotFound "Dealer not found";
    13  403 NotPermitted "Operation not permitted";
    14  503 DatabaseUnavailable "Database unavailable";
    15  429 TooManyRequests "Too many requests (rate limit exceeded)";
    101 403 DemoMode "In demo mode this function is disabled";
    102 400 WrongLogin "Wrong login or password";
    103 400 NotActivated "User not activated";
    104 400 TooManySessions "Logged in users limit exceeded, try later";
    105 400 TooManyAttempts "Login attempts limit exceeded, try later";
    111 400 WrongHandler "Wrong handler";
    112 400 WrongMethod "Wrong method";
    201 400 NotFound "Not found in the database";
    203 400 DeleteAssociated "Delete entity associated with";
    204 404 EntityNotFound "Entity not found";
    206 400 LoginInUse "Login already in use";
    208 403 DeviceBlocked "Device blocked";
    211 400 TimeSpanTooBig "Requested time span is too big";
    212 400 LimitTooBig "Requested limit is too big";
    213 400 DeviceOffline "Cannot perform action: the device is offline";
    214 400 NotSupportedByDevice "Requested operation or parameters are not supported by the device";
    217 400 ListHasNonexistent "List contains nonexistent entities";
    219 403 NotAllowedForClones "Not allowed for clones of the device";
    220 400 UnknownModel "Unknown device model";
    221 403 DeviceLimitExceeded "Device limit exceeded";
    222 400 PluginNotFound "Plugin not found";
    223 400 PhoneInUse "Phone number already in use";
    224 400 DeviceIdInUse "Device ID already in use";
    225 403 LegalType "Not allowed for this legal type";
    226 400 WrongIccid "Wrong ICCID";
    227 400 WrongActivationCode "Wrong activation code";
    228 400 UnsupportedBySensor "Not supported by the sensor";
    232 400 InputInUse "Input already in use";
    233 400 NoDataFile "No data file";
    234 400 InvalidDataFormat "Invalid data format";
    236 402 TariffRestriction "Feature unavailable due to tariff restrictions";
    237 400 InvalidTariff "Invalid tariff";
    238 403 TariffChangeNotAllowed "Changing tariff not allowed";
    239 404 TariffNotFound "New tariff does not exist";
    240 403 TariffChangeTooFrequent "Not allowed changing tariff too frequently";
    241 400 BundledSim "Cannot change phone to bundled sim. Contact tech support.";
    242 400 ContentValidation "Device already connected";
    243 400 AlreadyConnected "Device already connected.";
    244 400 DuplicateLabel "Duplicate entity label";
    245 400 PasswordUnchanged "New password must be different";
    246 400 InvalidUserId "Invalid user ID";
    247 409 AlreadyExists "Entity already exists";
    248 400 WrongPassword "Wrong password";
    249 403 ClonesOnly "Operation available for clones only";
    250 403 DeletedDevice "Not allowed for deleted devices";
    252 400 AlreadyCorrupted "Device already corrupted";
    253 400 DeviceHasClones "Device has clones";
    254 500 CannotSaveFile "Cannot save file";
    256 400 LocationActual "Location already actual";
    258 404 BundleNotFound "Bundle not found";
    262 400 EntriesIncomplete "Entries list is missing some entries or contains nonexistent entries";
    263 400 NoChangeNeeded "No change needed, old and new values are the same";
    264 403 TimeoutNotReached "Timeout not reached";
    266 403 WrongDeviceStatus "Cannot perform action for the device in current status";
    268 402 OverQuota "Over quota";
    270 400 TooManySensors "Too many sensors of same type";
    272 400 DifferentModels "Trackers must have the same model";
    276 403 WrongSessionKind "Operation is not allowed for this kind of session";
}

impl ErrorCode {
    /// The number on the wire.
    pub fn number(self) -> u16 {
        self as u16
    }
}
