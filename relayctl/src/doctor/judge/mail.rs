//! Whether SES takes the stack's mails, and whether anybody believes them.

use relay_aws::sesv2::{Identity, Sending};

use super::super::facts::{Mail, Marked};
use super::{Entry, Finding, looked, unseen};

/// Part of the daily quota from which on a busy day is too near.
const QUOTA_WARN: f64 = 0.8;

/// The most owners that a line names.
const OWNERS_SHOWN: usize = 20;

pub(super) fn judge(mail: &Mail, is_local: bool) -> Vec<Finding> {
    let mut findings = vec![sender(mail, is_local)];
    findings.extend(mail.account.as_ref().map_or_else(|fault| vec![unseen("mail account", fault)], account));
    findings.push(looked("addresses", mail.marked.as_ref(), addresses));
    findings
}

fn sender(mail: &Mail, is_local: bool) -> Finding {
    let part = "mail sender";
    let entry = Entry::Ses("Sender");
    if mail.from.is_none() {
        let advice = "parameter `MailFrom` says who sends; doctor needs cloudformation:DescribeStacks to see it";
        return Finding::warn(part, "the sender is not known", advice, entry);
    }
    match (&mail.domain, &mail.address) {
        (Ok(Some(domain)), _) if domain.verified => signed(domain),
        (_, Ok(Some(address))) if address.verified => address_alone(address),
        (Err(fault), _) | (_, Err(fault)) => unseen(part, fault),
        (Ok(None), Ok(None)) if is_local => Finding::ok(part, "SES on this machine takes every sender"),
        (Ok(known), Ok(_)) => {
            let what = if known.is_some() { "SES still waits for its DNS records" } else { "SES does not know it" };
            let advice = "verify the domain of `MailFrom`: `aws sesv2 create-email-identity --email-identity DOMAIN`, then its three CNAME records";
            Finding::wrong(
                part,
                format!("the sender's domain is not verified: {what}; no mail goes out"),
                advice,
                entry,
            )
        }
    }
}

fn signed(domain: &Identity) -> Finding {
    let mail_from = if domain.mail_from.is_some() { ", with a MAIL FROM domain of its own" } else { "" };
    match domain.dkim.as_str() {
        "SUCCESS" => Finding::ok("mail sender", format!("the domain is verified and signs with DKIM{mail_from}")),
        other => Finding::warn(
            "mail sender",
            format!("the domain is verified, but DKIM is {other}: mail programs may take mails for spam"),
            "put the three CNAME records of `aws sesv2 get-email-identity --email-identity DOMAIN` into its DNS",
            Entry::Ses("DKIM"),
        ),
    }
}

fn address_alone(address: &Identity) -> Finding {
    if address.dkim == "SUCCESS" {
        return Finding::ok("mail sender", "the address is verified and signs with DKIM");
    }
    Finding::warn(
        "mail sender",
        "the address is verified and its domain is not: without DKIM mails may be taken for spam",
        "verify the domain: `aws sesv2 create-email-identity --email-identity DOMAIN`",
        Entry::Ses("DKIM"),
    )
}

fn account(account: &Sending) -> Vec<Finding> {
    vec![state(account), quota(account)]
}

fn state(account: &Sending) -> Finding {
    let part = "mail account";
    match (account.enabled, account.reputation.as_str(), account.production) {
        (false, _, _) | (_, "SHUTDOWN", _) => Finding::wrong(
            part,
            "SES has stopped the account's mails",
            "the account's SES console says why, and takes the appeal",
            Entry::Ses("Bounces"),
        ),
        (_, "PROBATION", _) => Finding::warn(
            part,
            "under review: bounces or complaints are too many",
            "mend what bounces before SES stops the account's mails",
            Entry::Ses("Bounces"),
        ),
        (_, _, false) => Finding::warn(
            part,
            "in the sandbox: mails go to verified addresses only",
            "ask for production access: `aws sesv2 put-account-details --production-access-enabled …`",
            Entry::Ses("Sandbox"),
        ),
        (true, _, true) => Finding::ok(part, "sends to anybody"),
    }
}

fn quota(account: &Sending) -> Finding {
    let (part, sent, quota) = ("mail quota", account.sent, account.quota);
    if quota <= 0.0 {
        return Finding::ok(part, format!("{sent:.0} mails within 24 hours, without a limit"));
    }
    let found = format!("{sent:.0} of {quota:.0} mails within 24 hours");
    let advice = "ask for a greater sending quota before it is reached";
    let entry = Entry::Ses("Sandbox");
    match sent / quota {
        used if used >= 1.0 => Finding::wrong(part, format!("{found}: no mail goes out"), advice, entry),
        used if used >= QUOTA_WARN => Finding::warn(part, found, advice, entry),
        _ => Finding::ok(part, found),
    }
}

/// How many, by owner; never which.
fn addresses(marked: &Marked) -> Finding {
    if marked.by_owner.is_empty() {
        return Finding::ok("addresses", "none was marked within a week because a mail bounced or was reported");
    }
    let of = |(owner, count): &(String, usize)| format!("{count} of {owner}");
    let shown: Vec<String> = marked.by_owner.iter().take(OWNERS_SHOWN).map(of).collect();
    let more = if marked.by_owner.len() > OWNERS_SHOWN || marked.is_at_least { ", and others" } else { "" };
    Finding::warn(
        "addresses",
        format!("get no mail since within a week, because one bounced or was reported: {}{more}", shown.join(", ")),
        "`relayctl address list OWNER` says which and why; clear one only when it takes mail again",
        Entry::Ses("Bounces"),
    )
}
