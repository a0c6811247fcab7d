//! Erasing the activities of a device or user.

use clap::{Args, Subcommand, ValueEnum};
use relay::erase::{Id, IdType};

use crate::names;

/// `erase OWNER --adid …`, or a verb.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct EraseArgs {
    #[command(subcommand)]
    pub(crate) command: Option<EraseCommand>,
    /// Always there where no verb is.
    #[arg(required = true, value_parser = names::owner)]
    pub(crate) owner: Option<String>,
    #[command(flatten)]
    pub(crate) ids: Ids,
    /// Wait until pages are gone through, and show how far it is
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Whose activities; each may be given several times.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Ids {
    /// The attribution provider's id of the device
    #[arg(long, value_name = "ID", value_parser = id_of(IdType::Adid))]
    adid: Vec<Id>,
    /// Google's advertising id
    #[arg(long, value_name = "ID", value_parser = id_of(IdType::GpsAdid))]
    gps_adid: Vec<Id>,
    /// Android's id of the device
    #[arg(long, value_name = "ID", value_parser = id_of(IdType::AndroidId))]
    android_id: Vec<Id>,
    /// Apple's advertising id
    #[arg(long, value_name = "ID", value_parser = id_of(IdType::Idfa))]
    idfa: Vec<Id>,
    /// Apple's id of the device for one vendor
    #[arg(long, value_name = "ID", value_parser = id_of(IdType::Idfv))]
    idfv: Vec<Id>,
    /// The advertising id of Android devices without Google's services
    #[arg(long, value_name = "ID", value_parser = id_of(IdType::Oaid))]
    oaid: Vec<Id>,
    /// The advertiser's own id of the user; compared exactly
    #[arg(long, value_name = "ID", value_parser = id_of(IdType::UserId))]
    user_id: Vec<Id>,
}

impl Ids {
    /// All of them.
    pub(crate) fn all(self) -> Vec<Id> {
        let Self { adid, gps_adid, android_id, idfa, idfv, oaid, user_id } = self;
        [adid, gps_adid, android_id, idfa, idfv, oaid, user_id].concat()
    }
}

fn id_of(id_type: IdType) -> impl Fn(&str) -> Result<Id, String> + Clone + Send + Sync + 'static {
    move |text| Id::new(id_type, text).map_err(|error| error.to_string())
}

#[derive(Debug, Subcommand)]
pub(crate) enum EraseCommand {
    /// Lists what an owner erased: when and which kind of id, never the id
    List {
        #[arg(value_parser = names::owner)]
        owner: String,
    },
    /// Shows how far an owner's pages have been gone through
    Status {
        #[arg(value_parser = names::owner)]
        owner: String,
        /// Wait until they are, and show how far it is
        #[arg(long)]
        wait: bool,
    },
    /// Goes through an owner's pages once more: after table `pages` was restored from a backup
    Again {
        #[arg(value_parser = names::owner)]
        owner: String,
        /// Wait until they are, and show how far it is
        #[arg(long)]
        wait: bool,
    },
    /// Whether callbacks of an attribution provider that tell of a person's wish erase the device; who has an ingest key can then erase
    Callbacks {
        #[arg(value_parser = names::owner)]
        owner: String,
        state: Switch,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}
