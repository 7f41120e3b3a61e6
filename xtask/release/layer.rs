//! Has one request recorded by the layer.

use audit_model::{Actor, EventType};
use audit_pipeline::Pipeline;
use audit_tower::{AuditLayer, Description, FailClosed};
use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("audit.log");
    let log = Pipeline::options(&path).start()?;
    let layer = AuditLayer::new(log)
        .fail_closed(FailClosed::After)
        .describe(|_| Description::new("backup").event_type(EventType::BACKUP_STARTED));
    let service = layer.layer(service_fn(async |_| Ok::<_, std::io::Error>(Response::new(String::new()))));
    let mut request = Request::post("/backups/7").body(String::new())?;
    request.extensions_mut().insert(Actor::user("alice@company.com"));
    service.oneshot(request).await?;
    let records = std::fs::read_to_string(path)?;
    let event: serde_json::Value = serde_json::from_str(records.lines().last().ok_or("no record")?)?;
    let text = |pointer: &str| {
        event.pointer(pointer).and_then(|value| value.as_str()).unwrap_or("nothing").to_owned()
    };
    println!("{} by {}: {}", text("/event_type"), text("/actor/id"), text("/action/result"));
    Ok(())
}
