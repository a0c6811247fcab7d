//! The optional canonical fields of an activity: one table that the codec, the door and the files all read.

/// What a field's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text exactly as sent: identifiers, names, and numbers with the digits they came with.
    Text,
    /// A time in milliseconds since the epoch, UTC.
    Time,
}

macro_rules! fields {
    ($($variant:ident $name:literal $shape:ident,)+) => {
        /// An optional canonical field, in the order of the schema. Adjust's placeholder names are the canonical ones.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(usize)]
        pub enum Field {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        impl Field {
            /// Every field in schema order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The canonical name, as it stands in the schema, the API and the header of a file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What the field's value is.
            #[must_use]
            pub const fn shape(self) -> Shape {
                match self { $(Self::$variant => Shape::$shape,)+ }
            }

            /// The field of this canonical name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

fields! {
    EventId "event_id" Text,
    AppId "app_id" Text,
    AppName "app_name" Text,
    AppVersion "app_version" Text,
    Store "store" Text,
    NetworkName "network_name" Text,
    CampaignName "campaign_name" Text,
    AdgroupName "adgroup_name" Text,
    CreativeName "creative_name" Text,
    TrackerName "tracker_name" Text,
    MatchType "match_type" Text,
    ClickTime "click_time" Time,
    ImpressionTime "impression_time" Time,
    InstalledAt "installed_at" Time,
    InstallBeginTime "install_begin_time" Time,
    InstallFinishTime "install_finish_time" Time,
    ConversionDuration "conversion_duration" Text,
    Referrer "referrer" Text,
    ClickAttributionWindow "click_attribution_window" Text,
    ImpressionAttributionWindow "impression_attribution_window" Text,
    ProbmatchingAttributionWindow "probmatching_attribution_window" Text,
    IsReattributed "is_reattributed" Text,
    ReattributedAt "reattributed_at" Time,
    ReattributionAttributionWindow "reattribution_attribution_window" Text,
    InactiveUserDefinition "inactive_user_definition" Text,
    LastTrackerName "last_tracker_name" Text,
    Adid "adid" Text,
    GpsAdid "gps_adid" Text,
    AndroidId "android_id" Text,
    Idfa "idfa" Text,
    Idfv "idfv" Text,
    Oaid "oaid" Text,
    UserId "user_id" Text,
    Country "country" Text,
    CountrySubdivision "country_subdivision" Text,
    City "city" Text,
    PostalCode "postal_code" Text,
    Language "language" Text,
    DeviceName "device_name" Text,
    DeviceType "device_type" Text,
    OsName "os_name" Text,
    OsVersion "os_version" Text,
    AttStatus "att_status" Text,
    ConnectionType "connection_type" Text,
    Isp "isp" Text,
    IpAddress "ip_address" Text,
    UserAgent "user_agent" Text,
    EventToken "event_token" Text,
    EventName "event_name" Text,
    Revenue "revenue" Text,
    Currency "currency" Text,
    Environment "environment" Text,
    SdkVersion "sdk_version" Text,
    FbRefPublisherPlatform "fb_ref_publisher_platform" Text,
    FbRefAdObjective "fb_ref_ad_objective" Text,
    FbRefCampaignGroup "fb_ref_campaign_group" Text,
    FbRefCampaign "fb_ref_campaign" Text,
    FbRefAdgroup "fb_ref_adgroup" Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lead_back_to_their_field() {
        for (index, field) in Field::ALL.iter().enumerate() {
            assert_eq!(*field as usize, index);
            assert_eq!(Field::from_name(field.name()), Some(*field));
        }
        assert_eq!(Field::from_name("no_such_field"), None);
    }
}
