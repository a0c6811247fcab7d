//! Why an export failed and what to do, by the code of its error.

use super::pick;
use crate::language::Language;

/// What happened and what to do; `None` for a code that this release does not know.
#[must_use]
pub fn failure(language: Language, code: &str) -> Option<&'static str> {
    let (en, ko) = match code {
        "unavailable" => (
            "The storage did not answer for several minutes. Nothing is lost: ask for the same period again.",
            "저장소가 몇 분 동안 응답하지 않았습니다. 손실된 데이터는 없으니 같은 기간으로 다시 요청해 주시기 바랍니다.",
        ),
        "denied" => (
            "Relay is not allowed to do something that it needs to. Whoever runs Relay finds the cause under the trace id.",
            "Relay에 필요한 권한이 없어 작업을 마치지 못했습니다. Relay 운영 담당자에게 아래 추적 ID를 전달해 주시면 원인을 확인해 드릴 수 있습니다.",
        ),
        "unreadable" => (
            "Something stored cannot be read, and Relay leaves no row out in silence. Whoever runs Relay finds it under the trace id.",
            "저장된 데이터 일부를 읽을 수 없습니다. 일부 행이 빠진 파일을 보내 드리지 않기 위해 작업을 중단했습니다. Relay 운영 담당자에게 아래 추적 ID를 전달해 주시기 바랍니다.",
        ),
        "no_progress" => (
            "The export came no further. Ask for it again; if it stops again, whoever runs Relay finds the cause under the trace id.",
            "작업이 더 이상 진행되지 않아 중단되었습니다. 다시 요청해 주시고, 같은 문제가 반복되면 Relay 운영 담당자에게 아래 추적 ID를 전달해 주시기 바랍니다.",
        ),
        "interrupted" => (
            "The export was interrupted again and again. Ask for it once more.",
            "작업이 여러 차례 중단되었습니다. 한 번 더 요청해 주시기 바랍니다.",
        ),
        "internal" => (
            "Relay failed while writing the file. Ask again; if it fails again, tell whoever runs Relay the trace id.",
            "파일을 만드는 중 Relay에서 오류가 발생했습니다. 다시 요청해 주시고, 같은 문제가 반복되면 Relay 운영 담당자에게 아래 추적 ID를 전달해 주시기 바랍니다.",
        ),
        _ => return None,
    };
    Some(pick(language, en, ko))
}
