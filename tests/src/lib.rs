//! Whole-system tests: flow, faults, model, browser, architecture, infrastructure.
