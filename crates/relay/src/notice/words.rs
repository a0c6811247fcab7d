//! The catalogue: every sentence of a mail, in every language, one function each. Korean is polite business Korean (합니다체).

use super::figure::{Moment, day, grouped};
use crate::activity::Kind;
use crate::export::Format;
use crate::language::Language::{self, En, Ko};

mod asked;
mod failure;

pub(super) use asked::*;
pub use failure::failure;

/// A text of each language.
pub(super) const fn pick(language: Language, en: &'static str, ko: &'static str) -> &'static str {
    match language {
        En => en,
        Ko => ko,
    }
}

pub(super) const fn kind(language: Language, kind: Kind) -> &'static str {
    match kind {
        Kind::Install => pick(language, "install", "설치"),
        Kind::Reattribution => pick(language, "reattribution", "리어트리뷰션"),
        Kind::Event => pick(language, "event", "이벤트"),
    }
}

pub(super) const fn format(format: Format) -> &'static str {
    match format {
        Format::Csv => "CSV",
        Format::CsvGz => "CSV (gzip)",
        Format::JsonlGz => "JSON Lines (gzip)",
        Format::Parquet => "Parquet",
    }
}

pub(super) fn rows(language: Language, rows: u64) -> String {
    let number = grouped(rows);
    match (language, rows) {
        (En, 1) => "1 row".to_owned(),
        (En, _) => format!("{number} rows"),
        (Ko, _) => format!("{number}행"),
    }
}

// ------------------------------------------------------------------------------------------------------------------- subjects and titles

pub(super) fn ready_subject(language: Language, what: &str) -> String {
    match language {
        En => format!("[Relay] Ready: {what}"),
        Ko => format!("[Relay] 파일 준비 완료: {what}"),
    }
}

pub(super) fn empty_subject(language: Language, what: &str) -> String {
    match language {
        En => format!("[Relay] Nothing found: {what}"),
        Ko => format!("[Relay] 조회 결과 없음: {what}"),
    }
}

pub(super) fn failed_subject(language: Language, what: &str) -> String {
    match language {
        En => format!("[Relay] Failed: {what}"),
        Ko => format!("[Relay] 파일 생성 실패: {what}"),
    }
}

/// What a subject is about.
pub(super) fn about(language: Language, kinds: &str, app_token: &str, period: &str) -> String {
    match language {
        En => format!("{kinds} activities of {app_token}, {period}"),
        Ko => format!("{app_token} {kinds} 데이터 ({period})"),
    }
}

/// A period in a subject.
pub(super) fn short_days(language: Language, start: &str, end: &str) -> String {
    match (language, start == end) {
        (En | Ko, true) => start.to_owned(),
        (En, false) => format!("{start} to {end}"),
        (Ko, false) => format!("{start} ~ {end}"),
    }
}

pub(super) const fn ready_title(language: Language, files: usize) -> &'static str {
    match (language, files) {
        (En, 0 | 1) => "Your file is ready",
        (En, _) => "Your files are ready",
        (Ko, _) => "요청하신 파일이 준비되었습니다",
    }
}

pub(super) const fn empty_title(language: Language) -> &'static str {
    pick(language, "There is nothing in this period", "해당 기간에 데이터가 없습니다")
}

pub(super) const fn failed_title(language: Language) -> &'static str {
    pick(language, "Your file could not be written", "파일을 만들지 못했습니다")
}

// ------------------------------------------------------------------------------------------------------------------- preheaders

pub(super) fn ready_preview(language: Language, rows: &str, size: &str, ends: &Moment) -> String {
    let (clock, zone) = (&ends.clock, &ends.zone);
    match language {
        En => format!("{rows}, {size}. The link works until {clock} ({zone})."),
        Ko => format!("{rows}, {size}. 링크는 {clock}({zone})까지 사용하실 수 있습니다."),
    }
}

pub(super) const fn empty_preview(language: Language) -> &'static str {
    pick(language, "No row matches what was asked.", "요청하신 조건에 맞는 데이터가 없습니다.")
}

// ------------------------------------------------------------------------------------------------------------------- links

pub(super) fn download(language: Language, format: &str) -> String {
    match language {
        En => format!("Download {format}"),
        Ko => format!("{format} 다운로드"),
    }
}

pub(super) fn files_heading(language: Language, files: usize, format: &str) -> String {
    let number = grouped(files as u64);
    match language {
        En => format!("Download the {number} files, {format}"),
        Ko => format!("{format} 파일 {number}개 다운로드"),
    }
}

pub(super) fn file_note(language: Language, kind: &str, rows: &str, size: &str) -> String {
    match language {
        En => format!("{kind}, {rows}, {size}"),
        Ko => format!("{kind} · {rows} · {size}"),
    }
}

pub(super) const fn manifest_note(language: Language) -> &'static str {
    pick(
        language,
        "names every file with its rows, bytes and totals",
        "모든 파일의 행 수, 크기, 합계가 담긴 목록입니다",
    )
}

pub(super) fn more_files(language: Language, more: usize) -> String {
    let number = grouped(more as u64);
    match language {
        En => format!(
            "{number} more files are not listed here. manifest.json names them all; a fresh link brings links to all."
        ),
        Ko => format!(
            "나머지 파일 {number}개는 이 메일에 표시하지 않았습니다. 전체 파일명은 manifest.json에 있으며, 새 링크를 요청하시면 모든 파일의 링크를 받으실 수 있습니다."
        ),
    }
}

pub(super) fn link_ends(language: Language, ends: &Moment, links: usize) -> String {
    let ends = ends.text(language);
    match (language, links) {
        (En, 1) => {
            format!("The link works until {ends}. Whoever has it can download the file, so pass it on with care.")
        }
        (En, _) => {
            format!("The links work until {ends}. Whoever has them can download the files, so pass them on with care.")
        }
        (Ko, _) => format!(
            "링크는 {ends}까지 사용하실 수 있습니다. 링크가 있으면 누구나 파일을 받을 수 있으므로 전달하실 때 주의해 주시기 바랍니다."
        ),
    }
}

pub(super) fn kept(language: Language, days: u16, export_id: &str) -> String {
    match language {
        En => format!(
            "Files are kept for {days} days. When a link has ended, ask for a fresh one on the page or with POST /v1/exports/{export_id}/link."
        ),
        Ko => format!(
            "파일은 {days}일 동안 보관됩니다. 링크가 만료되면 페이지에서 또는 POST /v1/exports/{export_id}/link 호출로 새 링크를 요청하실 수 있습니다."
        ),
    }
}

pub(super) const fn back(language: Language) -> &'static str {
    pick(language, "Back to your exports", "내보내기 페이지로 이동")
}

// ------------------------------------------------------------------------------------------------------------------- nothing found

pub(super) const fn nothing(language: Language) -> &'static str {
    pick(
        language,
        "No row matches what was asked, so there is no file. This is what was looked for:",
        "요청하신 조건에 맞는 데이터가 없어 파일을 만들지 않았습니다. 조회한 조건은 다음과 같습니다.",
    )
}

pub(super) const fn rows_expected(language: Language) -> &'static str {
    pick(
        language,
        "If you expected rows, check the app, the kind, the dates with their zone and the filters, and that callbacks arrive.",
        "데이터가 있어야 하는 경우라면 앱 토큰, 종류, 날짜와 시간대, 필터를 확인해 주시고, 콜백이 정상적으로 들어오고 있는지도 확인해 주시기 바랍니다.",
    )
}

// ------------------------------------------------------------------------------------------------------------------- how complete it is

/// What is in the quarantine, or in a batch that was given up, was acknowledged and is in no file until an operator replays it.
pub(super) fn complete_up_to(language: Language, until: &Moment) -> String {
    let (day, Moment { clock, zone, .. }) = (until.day(language), until);
    match language {
        En => format!(
            "Complete up to {clock} on {day} ({zone}): everything that Relay had acknowledged by then was considered, except what could not be understood or stored; that is kept aside."
        ),
        Ko => format!(
            "{day} {clock}({zone})까지 빠짐없이 반영되었습니다. 이 시각까지 Relay가 수신을 확인한 모든 데이터가 대상이며, 해석하거나 저장할 수 없었던 데이터만 제외되어 별도로 보관됩니다."
        ),
    }
}

pub(super) const fn completeness_unknown(language: Language) -> &'static str {
    pick(
        language,
        "Up to when this is complete could not be found out.",
        "어느 시각까지 빠짐없이 반영되었는지 확인하지 못했습니다.",
    )
}

pub(super) fn late(language: Language, late: u64) -> String {
    let number = rows(language, late);
    match (language, late) {
        (En, 0) => "No row of the period before came too late for its file.".to_owned(),
        (En, _) => format!(
            "In neither file: {number} of the period before, which came too late for its file. Ask for that period again to have them."
        ),
        (Ko, 0) => "직전 기간의 파일에 늦게 도착하여 빠진 데이터는 없습니다.".to_owned(),
        (Ko, _) => format!(
            "직전 기간의 데이터 {number}이 해당 파일에 반영되기에는 늦게 도착하여 어느 파일에도 들어 있지 않습니다. 필요하시면 그 기간을 다시 요청하십시오."
        ),
    }
}

/// What stands before a warning in plain text.
pub(super) const fn note(language: Language) -> &'static str {
    pick(language, "Note", "참고")
}

pub(super) const fn on_their_way(language: Language) -> &'static str {
    pick(
        language,
        "Activities were still on their way when the file was written: some that arrived shortly before you asked may be missing.",
        "파일을 만드는 시점에 아직 처리 중인 데이터가 있었습니다. 요청 직전에 수신된 데이터 일부가 빠져 있을 수 있습니다.",
    )
}

pub(super) const fn perhaps_on_their_way(language: Language) -> &'static str {
    pick(
        language,
        "Whether activities were still on their way when the file was written is not known: some that arrived before you asked may be missing.",
        "파일을 만드는 시점에 처리 중인 데이터가 있었는지 확인하지 못했습니다. 요청 전에 수신된 데이터 일부가 빠져 있을 수 있습니다.",
    )
}

pub(super) const fn period_open(language: Language) -> &'static str {
    pick(
        language,
        "The period was not over when you asked: later activities are not in the file.",
        "요청 시점에 기간이 아직 끝나지 않았습니다. 이후에 발생한 데이터는 포함되어 있지 않습니다.",
    )
}

pub(super) fn past_retention(language: Language, since: &Moment) -> String {
    let since = since.text(language);
    match language {
        En => format!("Activities from before {since} may no longer be there: they are past their retention."),
        Ko => format!("{since} 이전의 데이터는 보관 기간이 지나 남아 있지 않을 수 있습니다."),
    }
}

pub(super) fn formerly_anothers(language: Language, since: &Moment) -> String {
    let since = since.text(language);
    match language {
        En => format!(
            "The app token was somebody else's before {since}: what had arrived by then is not yours and not in the file."
        ),
        Ko => format!(
            "{since} 이전에는 다른 곳에서 이 앱 토큰을 사용했습니다. 그때까지 수신된 데이터는 파일에 포함되어 있지 않습니다."
        ),
    }
}

// ------------------------------------------------------------------------------------------------------------------- totals

pub(super) const fn by_day(language: Language) -> &'static str {
    pick(language, "Rows and revenue by day", "일별 행 수와 매출")
}

pub(super) const fn rows_by_day(language: Language) -> &'static str {
    pick(language, "Rows by day", "일별 행 수")
}

pub(super) const fn day_column(language: Language) -> &'static str {
    pick(language, "Day", "날짜")
}

pub(super) const fn rows_column(language: Language) -> &'static str {
    pick(language, "Rows", "행 수")
}

pub(super) const fn revenue_column(language: Language) -> &'static str {
    pick(language, "Revenue", "매출")
}

pub(super) const fn total(language: Language) -> &'static str {
    pick(language, "Total", "합계")
}

pub(super) fn more_currencies(language: Language, more: usize) -> String {
    match language {
        En => format!("and {more} more"),
        Ko => format!("외 {more}개 통화"),
    }
}

pub(super) fn days_left_out(language: Language, left_out: usize, first: &str, last: &str, export_id: &str) -> String {
    let (number, first, last) = (grouped(left_out as u64), day(language, first), day(language, last));
    match language {
        En => format!(
            "{number} days from {first} to {last} are not shown here. GET /v1/exports/{export_id} has all of them under `totals`; the sums above are of all days."
        ),
        Ko => format!(
            "{first}부터 {last}까지 {number}일은 이 메일에 표시하지 않았습니다. 전체 내역은 GET /v1/exports/{export_id}의 `totals`에서 확인하실 수 있으며, 위 합계는 모든 날짜를 포함합니다."
        ),
    }
}

pub(super) fn unsummed(language: Language, rows: u64) -> String {
    let rows = self::rows(language, rows);
    match language {
        En => format!("{rows} with revenue are in no sum: their currency or amount cannot be read as one."),
        Ko => format!("매출이 있는 {rows}은 통화나 금액을 해석할 수 없어 합계에서 제외했습니다."),
    }
}

// ------------------------------------------------------------------------------------------------------------------- the end

pub(super) const fn why_you(language: Language) -> &'static str {
    pick(
        language,
        "Relay sent this mail by itself, because the file was asked for with your address.",
        "이 메일은 고객님의 주소로 파일이 요청되어 Relay에서 자동으로 발송되었습니다.",
    )
}

pub(super) const fn why_you_again(language: Language) -> &'static str {
    pick(
        language,
        "Relay sends this mail by itself after each period, because your address is on the schedule.",
        "이 메일은 고객님의 주소가 정기 내보내기에 등록되어 있어 Relay에서 주기마다 자동으로 발송됩니다.",
    )
}

pub(super) const fn unsubscribe(language: Language) -> &'static str {
    pick(language, "Unsubscribe", "수신 거부")
}

pub(super) fn ids(language: Language, export_id: &str, trace_id: &str) -> String {
    match language {
        En => format!("Export {export_id} · trace id {trace_id}"),
        Ko => format!("내보내기 ID {export_id} · 추적 ID {trace_id}"),
    }
}
