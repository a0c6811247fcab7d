//! `cargo xtask deploy`

use std::fs;

use super::build;
use crate::{
    cli::Deploy,
    deploy::{
        bundle,
        settings::Settings,
        tools::{Deployed, Tools, ask, run as show, shown},
    },
    local::{needs, place::Root, python},
    os,
    say::{self, Outcome},
    site::Site,
};

/// Where the page is laid out before it is uploaded, below the root.
const SITE: &str = "target/site";
/// The stack lives in one of these, or does not exist: `REVIEW_IN_PROGRESS` is one whose first change set nobody has said yes to. In others `CloudFormation` is at work, or waits for a person.
const UPDATABLE: [&str; 5] =
    ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "REVIEW_IN_PROGRESS"];
/// What to say where nobody has said yet who mails.
const NO_SENDER: &str = "MailFrom is missing: the address that mails come from, such as exports@example.com. It or its domain must be a verified \
     identity of Amazon SES in the stack's region.\n  Give it once, with --mail-from or in samconfig.toml; later deploys keep it. docs/deploy.md tells the whole way.";

/// Deploys to AWS, or says what that would be.
pub(crate) fn run(options: &Deploy) -> Outcome<()> {
    let root = Root::find()?;
    let file = root.join("samconfig.toml");
    let text = fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(os::variable);
    let settings = Settings::read(&text, options, region)?;
    let tools = Tools::of(&root, settings.region.clone());
    let architecture = build::architecture(options.target);
    if options.dry_run {
        return plan(&tools, &settings, &root, architecture, !options.yes);
    }
    let python = needs::check()?;
    build::check()?;
    python::prepare(&root, python::SAM, python)?;
    say::step("see who deploys what", || before(&tools, &settings))?;
    build::run(&[architecture.to_owned()])?;
    let programs = root.join("target/lambda");
    say::step("weigh them", || bundle::check(&programs))?;
    let template = root.join("template.yaml");
    let template = fs::read(&template).map_err(|error| format!("cannot read {}: {error}", template.display()))?;
    bundle::mark(&programs, &template)?;
    let site = Site::read(&root.join("web"))?;
    site.write(&root.join(SITE))?;
    let deployed = bring(&tools, &settings, &site.folder, !options.yes)?;
    tell(&settings, &deployed)
}

impl Tools {
    fn of(root: &Root, region: Option<String>) -> Self {
        let program = |name: &str| root.relay(&format!("{}/bin/{name}", python::SAM.folder()));
        Self { sam: program("sam"), python: program("python"), root: root.path().to_owned(), region }
    }

    fn deployed(&self, stack: &str) -> Outcome<Deployed> {
        let answer = ask(self.stack(stack))?;
        serde_json::from_value(answer).map_err(|error| format!("the stack {stack}: {error}"))
    }
}

/// Whether a deploy can begin: credentials, a stack that can be changed, a sender.
fn before(tools: &Tools, settings: &Settings) -> Outcome<()> {
    let caller = ask(tools.identity()).map_err(|error| {
        format!("AWS does not know who this is: {error}\n  Sign in (aws configure, aws sso login) or set AWS_PROFILE and AWS_REGION; `cargo xtask deploy --dry-run` needs no account.")
    })?;
    say::progress(format_args!(
        "  {} as {}, region {}",
        settings.stack,
        caller.get("arn").and_then(serde_json::Value::as_str).unwrap_or_default(),
        settings.region.as_deref().unwrap_or("of the profile")
    ));
    let found = tools.deployed(&settings.stack)?;
    if let Some(status) = found.status.as_deref().filter(|status| !UPDATABLE.contains(status)) {
        return Err(format!(
            "the stack {} is in state {status}: wait until CloudFormation is done with it; docs/deploy.md says what to do about a failed one",
            settings.stack
        ));
    }
    if !settings.parameters.contains_key("MailFrom") && found.parameter("MailFrom").is_empty() {
        return Err(NO_SENDER.to_owned());
    }
    Ok(())
}

/// Stack and page, in the order in which no reader finds a gap; then a look at what answers.
fn bring(tools: &Tools, settings: &Settings, folder: &str, asks: bool) -> Outcome<Deployed> {
    say::step("deploy the stack", || pass(tools, settings, &[], asks))?;
    let mut deployed = tools.deployed(&settings.stack)?;
    say::step("upload the page", || {
        let done = ask(tools.publish(deployed.output("SiteBucket")?, deployed.output("SiteDistribution")?, SITE))?;
        let count = |name: &str| done.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
        say::progress(match count("uploaded") {
            0 => "  it is there already".to_owned(),
            files => format!("  {files} files below {folder}, {} of earlier releases removed", count("removed")),
        });
        Ok(())
    })?;
    if needs_second_pass(&deployed) {
        let address = format!("SiteUrl={}", deployed.output("SiteUrl")?);
        say::step("deploy again with the page's address, which only now is known", || {
            pass(tools, settings, &[address], asks)
        })?;
        deployed = tools.deployed(&settings.stack)?;
    }
    say::step("see whether it answers", || {
        for (url, text) in looked_at(&deployed, folder)? {
            ask(tools.reach(&url, &text))?;
        }
        Ok(())
    })?;
    Ok(deployed)
}

/// One run of sam, which ends well, too, where its question was answered with no.
fn pass(tools: &Tools, settings: &Settings, more: &[String], asks: bool) -> Outcome<()> {
    show(tools.deploy(settings, more, asks))?;
    let count = |answer: serde_json::Value| answer.get("change_sets").and_then(serde_json::Value::as_u64);
    let waiting = if asks { count(ask(tools.unconfirmed(&settings.stack))?) } else { None };
    match waiting {
        None | Some(0) => Ok(()),
        Some(_) => Err(format!(
            "not deployed: a change set of {} waits for a yes. Deploy again and confirm it, or give --yes",
            settings.stack
        )),
    }
}

/// Mails lead back to the page, whose address is known after the first deploy. A domain of one's own is known before.
fn needs_second_pass(deployed: &Deployed) -> bool {
    deployed.parameter("SiteUrl").is_empty() && deployed.parameter("SiteDomain").is_empty()
}

/// Addresses that must answer, each with a text that must be in the answer.
fn looked_at(deployed: &Deployed, folder: &str) -> Outcome<[(String, String); 3]> {
    // Names of one's own lead here only once somebody has put them into the DNS.
    let (api, site) = (deployed.output("ApiDefaultUrl")?, format!("https://{}", deployed.output("SiteTarget")?));
    Ok([
        (format!("{api}/v1/health"), String::new()),
        (format!("{site}/"), folder.to_owned()),
        // The way of an advertiser's calls.
        (format!("{site}/v1/health"), String::new()),
    ])
}

/// The exact commands, in order, and nothing done.
fn plan(tools: &Tools, settings: &Settings, root: &Root, architecture: &str, asks: bool) -> Outcome<()> {
    let site = Site::read(&root.join("web"))?;
    let unknown = |name: &str| format!("<output {name}>");
    let mut lines = vec![
        shown(&build::command(root, &[architecture.to_owned()])),
        shown(&tools.identity()),
        shown(&tools.stack(&settings.stack)),
        shown(&tools.deploy(settings, &[], asks)),
        shown(&tools.publish(&unknown("SiteBucket"), &unknown("SiteDistribution"), SITE)),
    ];
    let again = tools.deploy(settings, &[format!("SiteUrl={}", unknown("SiteUrl"))], asks);
    lines.push(format!("{}  # only while neither SiteUrl nor SiteDomain is set", shown(&again)));
    let site_url = format!("https://{}", unknown("SiteTarget"));
    lines.push(shown(&tools.reach(&format!("{}/v1/health", unknown("ApiDefaultUrl")), "")));
    lines.push(shown(&tools.reach(&format!("{site_url}/"), &site.folder)));
    lines.push(shown(&tools.reach(&format!("{site_url}/v1/health"), "")));
    for line in lines {
        say::result(line);
    }
    if !settings.parameters.contains_key("MailFrom") {
        say::progress("MailFrom is as the stack has it; the first deploy needs --mail-from");
    }
    Ok(())
}

/// Where everything is, and what is left to do.
fn tell(settings: &Settings, deployed: &Deployed) -> Outcome<()> {
    say::result(format_args!("  page    {}", deployed.output("SiteUrl")?));
    say::result(format_args!("  API     {}", deployed.output("ApiUrl")?));
    let region = settings.region.as_deref().map(|region| format!(" --region {region}")).unwrap_or_default();
    say::result("  next");
    for (parameter, target) in [("SiteDomain", "SiteTarget"), ("ApiDomain", "ApiTarget")] {
        let name = deployed.parameter(parameter);
        if !name.is_empty() {
            say::result(format_args!("    DNS              lead {name} to {}", deployed.output(target)?));
        }
    }
    say::result(format_args!(
        "    who is on call   aws sns subscribe{region} --protocol email --notification-endpoint ADDRESS --topic-arn {}",
        deployed.output("AlarmTopicArn")?
    ));
    say::result(format_args!(
        "    an advertiser    relayctl{region} --control-table {} owner add NAME",
        deployed.output("ControlTable")?
    ));
    say::result("    and then         its app, mail domain and keys; SES out of its sandbox: docs/deploy.md");
    Ok(())
}

#[cfg(test)]
#[path = "deploy/tests.rs"]
mod tests;
