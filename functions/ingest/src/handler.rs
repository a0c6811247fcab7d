//! Lambda's events in and out; they stop here.

use std::convert::Infallible;

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_runtime::LambdaEvent;
use relay::port::{ControlTable, Spill, Stream};
use relay_lambda::{gateway, metrics, process};

use crate::{App, Visit};

/// Answers a request. The invocation itself never fails: whatever happens has an answer.
pub async fn handle<S: Stream, Q: Spill, C: ControlTable>(
    app: &App<S, Q, C>,
    event: LambdaEvent<ApiGatewayV2httpRequest>,
) -> Result<ApiGatewayV2httpResponse, Infallible> {
    let request = gateway::request(event.payload);
    let trace_id = process::trace_id();
    let visit = Visit { request: &request, now: process::now_ms(), trace_id: &trace_id };
    let response = app.answer(visit).await;
    metrics::emit(&app.counters().flush(process::now_ms()));
    Ok(gateway::response(response))
}
