//! The files of the page, which are a part of the program. It must not read a file of the machine.

use std::collections::HashMap;

use include_dir::{Dir, DirEntry, include_dir};
use parlor_web::etag::ETag;
use parlor_web::response::{ContentType, Encoding};
use sha2::{Digest, Sha256};

/// What the build of `web/` made.
static DIST: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../web/dist");

/// The page itself.
const PAGE: &str = "index.html";

/// Characters of the hash at the end of a name, before its ending and after a hyphen.
const HASH_CHARACTERS: usize = 8;

/// Bytes of a hash that are enough to tell versions apart.
const TAG_BYTES: usize = 16;

/// One file.
#[derive(Debug)]
pub(super) struct Asset {
    pub(super) content_type: ContentType,
    pub(super) tag: ETag,
    /// Whether other content would have another name.
    pub(super) is_hashed: bool,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

impl Asset {
    /// The content in this coding, or in none if it is not there.
    pub(super) fn content(&self, wanted: Encoding) -> (Encoding, &'static [u8]) {
        let coded = match wanted {
            Encoding::Identity => None,
            Encoding::Gzip => self.gzip,
            Encoding::Brotli => self.brotli,
        };
        coded.map_or((Encoding::Identity, self.plain), |content| (wanted, content))
    }
}

/// All files, by their paths.
#[derive(Debug)]
pub(super) struct Assets(HashMap<String, Asset>);

impl Assets {
    /// The files that were built in.
    pub(super) fn embedded() -> Self {
        let mut assets = HashMap::new();
        collect(&DIST, &mut assets);
        Self(assets)
    }

    /// The file at this path of a request.
    pub(super) fn find(&self, path: &str) -> Option<&Asset> {
        self.0.get(if path == "/" { PAGE } else { path.strip_prefix('/').filter(|name| *name != PAGE)? })
    }
}

fn collect(dir: &Dir<'static>, assets: &mut HashMap<String, Asset>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect(dir, assets),
            DirEntry::File(file) => {
                let Some(name) = file.path().to_str() else { continue };
                // The compressed forms of a file have no type of their own.
                let Some(content_type) = ContentType::of_file(name) else { continue };
                let form = |ending: &str| DIST.get_file(format!("{name}.{ending}")).map(include_dir::File::contents);
                let asset = Asset {
                    content_type,
                    tag: ETag::of_hash(&Sha256::digest(file.contents())[..TAG_BYTES]),
                    is_hashed: is_hashed(name),
                    plain: file.contents(),
                    gzip: form("gz"),
                    brotli: form("br"),
                };
                assets.insert(name.to_owned(), asset);
            }
        }
    }
}

/// Whether the name changes with the content, as the build makes it: `assets/index-BuDfC1aX.js`.
fn is_hashed(name: &str) -> bool {
    let stem = name.strip_prefix("assets/").and_then(|name| name.split('.').next()).unwrap_or_default();
    let hash = stem.len().checked_sub(HASH_CHARACTERS + 1).and_then(|at| stem.get(at..)?.strip_prefix('-'));
    hash.is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_there_and_all_that_it_names() {
        let assets = Assets::embedded();
        let page = assets.find("/").unwrap();
        assert_eq!((page.content_type, page.is_hashed), (ContentType::Html, false));
        let html = str::from_utf8(page.content(Encoding::Identity).1).unwrap();
        let named = html.split('"').filter(|part| part.starts_with('/'));
        for path in named {
            assert!(assets.find(path).is_some(), "{path}");
        }
        for path in ["/manifest.webmanifest", "/favicon.svg"] {
            assert!(assets.find(path).is_some(), "{path}");
        }
    }

    #[test]
    fn names_with_a_hash_are_told_from_others() {
        for name in ["assets/index-BuDfC1aX.js", "assets/emoji-table-B_SJ-wtX.js"] {
            assert!(is_hashed(name), "{name}");
        }
        for name in ["assets/icon-180.png", "assets/icon-maskable-512.png", "assets/index.js", "index-BuDfC1aX.js", "é"]
        {
            assert!(!is_hashed(name), "{name}");
        }
    }

    #[test]
    fn only_files_have_paths() {
        let assets = Assets::embedded();
        for path in ["", "//", "/index.html", "/assets", "/assets/", "/../dist/index.html", "index.html"] {
            assert!(assets.find(path).is_none(), "{path}");
        }
    }
}
