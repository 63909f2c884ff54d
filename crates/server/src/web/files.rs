//! The files of the page. It must not choose who may see them: they are public.

use parlor_web::response::{Cache, Encoding, Response};
use parlor_web::status::Status;

use super::assets::Asset;
use super::reply::{Asked, Body, Reply};

/// Answers with a file, or that the client has it.
pub(super) fn answer(asset: &Asset, asked: &Asked<'_>) -> Reply {
    let has_it = asked.request.has_current(&asset.tag);
    let status = if has_it { Status::NotModified } else { Status::Ok };
    let (encoding, content) = asset.content(Encoding::best(asked.request.accepts));
    let cache = if asset.is_hashed { Cache::Immutable } else { Cache::Revalidate };
    let response = Response::to(asked.request, status).content_type(asset.content_type).encoding(encoding);
    Reply::Response(response.etag(&asset.tag).cache(cache), Body::Static(content))
}
