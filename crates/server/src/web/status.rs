//! The status of HTTP for each refusal of the protocol. It must not say why anything is refused.

use parlor_proto::Refusal;
use parlor_web::status::Status;

/// The status that fits a refusal of a login.
pub(super) fn of(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::BadCredentials | Refusal::BadTicket | Refusal::LoginRequired => Status::Unauthorized,
        Refusal::BadInvitation | Refusal::RegistrationClosed | Refusal::NameReserved | Refusal::Suspended(..) => {
            Status::Forbidden
        }
        Refusal::NameTaken | Refusal::AlreadyLoggedIn => Status::Conflict,
        Refusal::TooManyAttempts(_) | Refusal::TakeoverLoop(_) => Status::TooManyRequests,
        Refusal::StoreUnavailable | Refusal::StoreFull => Status::ServiceUnavailable,
        _ => Status::BadRequest,
    }
}
