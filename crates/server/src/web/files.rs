//! The files of the page. It must not choose who may see them: they are public.

use parlor_web::response::{Cache, Encoding, Response};
use parlor_web::status::Status;

use super::reply::{Asked, Body, Reply};
use super::site::Site;

/// Whether the path is one of a file.
pub(super) fn exists(site: &Site, asked: &Asked<'_>) -> bool {
    site.assets().find(&asked.request.path).is_some()
}

/// Answers with a file, or that the client has it.
pub(super) fn answer(site: &Site, asked: &Asked<'_>) -> Reply {
    let Some(asset) = site.assets().find(&asked.request.path) else {
        return Reply::plain(asked.request, Status::NotFound);
    };
    let has_it = asked.request.has_current(&asset.tag);
    let status = if has_it { Status::NotModified } else { Status::Ok };
    let (encoding, content) = asset.content(Encoding::best(asked.request.accepts));
    let cache = if asset.is_hashed { Cache::Immutable } else { Cache::Revalidate };
    let response = Response::to(asked.request, status).content_type(asset.content_type).encoding(encoding);
    Reply::Response(response.etag(&asset.tag).cache(cache), Body::Static(content))
}
