//! An image from one executable: itself, what it is linked to, and the few files that every program expects.
//!
//! Must not know what the image is for. The archive goes to the engine's load endpoint, made in memory: of the three ways
//! that work without a base image it was the quickest (40 MB: load 0.1 s, import 0.25 s, classic build 0.6 s), and the same
//! executable always gives the same image.

use std::path::Path;

use aws_lc_rs::digest;
use bollard::query_parameters::ImportImageOptions;
use futures_util::{StreamExt, TryStreamExt};
use serde_json::json;

use super::connection::{BULKY, Connection};
use super::files::{self, Owner, ROOT};
use super::{labels, linked};
use crate::engine::EngineError;
use crate::plan::Artifact;

/// Changes whenever the content of images made here changes, so that an older image is not taken for a present one.
const RECIPE: &str = "1";
/// The user that packaged programs run as unless the plan says otherwise.
const NONROOT: Owner = Owner { user: 65532, group: 65532 };
/// Where programs look for the certificates of public authorities.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Files that the C library and many programs expect, with their content.
const SMALL_FILES: [(&str, &str); 3] = [
    ("etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"),
    ("etc/group", "root:x:0:\nnonroot:x:65532:\n"),
    ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
];

/// The image's reference: `devenv/orders-api:0123456789abcdef`.
pub(super) fn tag(executable: &Artifact) -> String {
    let name = executable.path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
    let name = name.trim_matches('-');
    let digest: String = executable.digest.chars().take(16).collect();
    format!("devenv/{}:{digest}", if name.is_empty() { "program" } else { name })
}

/// Makes the image of an executable unless it is there.
pub(super) async fn provide(connection: &Connection, service: &str, executable: &Artifact) -> Result<(), EngineError> {
    if is_here(connection, executable).await? {
        return Ok(());
    }
    let tag = tag(executable);
    let archive = archive(service, executable).await?;
    let body = bollard::body_stream(futures_util::stream::iter(archive.into_iter().map(Into::into)));
    let options = ImportImageOptions { quiet: true, platform: None };
    let messages = connection.client.import_image(options, body, None).boxed();
    connection.bounded(&format!("load image `{tag}`"), BULKY, messages.try_collect::<Vec<_>>()).await?;
    Ok(())
}

/// The archive of a program's image, in pieces.
pub(super) async fn archive(service: &str, executable: &Artifact) -> Result<Vec<Vec<u8>>, EngineError> {
    let unsupported = |reason: String| EngineError::Unsupported {
        service: service.to_owned(),
        reason: format!("`{}` cannot be packaged into an image: {reason}", executable.path.display()),
    };
    let contents = gather(&executable.path).await.map_err(unsupported)?;
    let artifact = executable.clone();
    tokio::task::spawn_blocking(move || image_archive(&artifact, contents))
        .await
        .map_err(|error| unsupported(error.to_string()))?
        .map_err(|error| unsupported(error.to_string()))
}

async fn is_here(connection: &Connection, executable: &Artifact) -> Result<bool, EngineError> {
    let tag = tag(executable);
    let found = match connection.ask(&format!("look for image `{tag}`"), connection.client.inspect_image(&tag)).await {
        Ok(image) => image.config.and_then(|config| config.labels).unwrap_or_default(),
        Err(failure) => return failure.unless_gone().map(|()| false),
    };
    let is = |label: &str, value: &str| found.get(label).is_some_and(|found| found == value);
    Ok(is(labels::DIGEST, &executable.digest) && is(labels::RECIPE, RECIPE))
}

/// What goes into an image.
struct Contents {
    architecture: &'static str,
    /// Path in the image without the leading `/`, mode, content.
    files: Vec<(String, u32, Vec<u8>)>,
}

async fn gather(path: &Path) -> Result<Contents, String> {
    let bytes = read(path).await?;
    let executable = linked::inspect(&bytes)?;
    let mut files = Vec::new();
    for needed in linked::needed(path, &executable).await? {
        files.push((inside(&needed), 0o755, read(&needed).await?));
    }
    if let Ok(certificates) = tokio::fs::read(CERTIFICATES).await {
        files.push((inside(Path::new(CERTIFICATES)), 0o644, certificates));
    }
    files.push((file_name(path), 0o755, bytes));
    Ok(Contents { architecture: executable.architecture, files })
}

async fn read(path: &Path) -> Result<Vec<u8>, String> {
    tokio::fs::read(path).await.map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

fn inside(path: &Path) -> String {
    path.display().to_string().trim_start_matches('/').to_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The archive that the load endpoint takes, in pieces: a manifest, a configuration, and one layer. The layer is not copied.
fn image_archive(executable: &Artifact, contents: Contents) -> std::io::Result<Vec<Vec<u8>>> {
    let architecture = contents.architecture;
    let layer = layer(contents)?;
    let layer_digest = hexadecimal(digest::digest(&digest::SHA256, &layer).as_ref());
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": format!("{}:{}", NONROOT.user, NONROOT.group),
            "Entrypoint": [format!("/{}", file_name(&executable.path))],
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/home/nonroot"],
            "WorkingDir": "/",
            "Labels": { labels::DIGEST: executable.digest, labels::RECIPE: RECIPE },
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer_digest}")] },
        "history": [{ "created_by": "devenv" }],
    })
    .to_string();
    let config_name = format!("{}.json", hexadecimal(digest::digest(&digest::SHA256, config.as_bytes()).as_ref()));
    let layer_name = format!("{layer_digest}/layer.tar");
    let manifest =
        json!([{ "Config": config_name, "RepoTags": [tag(executable)], "Layers": [layer_name] }]).to_string();

    let mut head = tar::Builder::new(Vec::new());
    append(&mut head, &config_name, 0o644, config.as_bytes())?;
    append(&mut head, "manifest.json", 0o644, manifest.as_bytes())?;
    let mut header = files::header(ROOT, 0o644, layer.len());
    header.set_path(&layer_name)?;
    header.set_cksum();
    // Not `into_inner`: that would end the archive before the layer.
    let mut pieces = vec![std::mem::take(head.get_mut()), header.as_bytes().to_vec()];
    // Content is padded to whole blocks, and two empty blocks end the archive.
    let padding = layer.len().next_multiple_of(512) - layer.len();
    pieces.push(layer);
    pieces.push(vec![0; padding + 1024]);
    Ok(pieces)
}

fn layer(contents: Contents) -> std::io::Result<Vec<u8>> {
    let mut layer = tar::Builder::new(Vec::with_capacity(contents.files.iter().map(|file| file.2.len() + 1024).sum()));
    for (path, mode, owner) in [("tmp/", 0o1777, ROOT), ("home/", 0o755, ROOT), ("home/nonroot/", 0o755, NONROOT)] {
        let mut header = files::header(owner, mode, 0);
        header.set_entry_type(tar::EntryType::Directory);
        layer.append_data(&mut header, path, std::io::empty())?;
    }
    for (path, text) in SMALL_FILES {
        append(&mut layer, path, 0o644, text.as_bytes())?;
    }
    for (path, mode, content) in contents.files {
        append(&mut layer, &path, mode, &content)?;
    }
    layer.into_inner()
}

fn append(archive: &mut tar::Builder<Vec<u8>>, path: &str, mode: u32, content: &[u8]) -> std::io::Result<()> {
    archive.append_data(&mut files::header(ROOT, mode, content.len()), path, content)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn artifact(path: &str) -> Artifact {
        Artifact { path: PathBuf::from(path), digest: "0123456789abcdef0123".into() }
    }

    #[test]
    fn the_tag_names_program_and_content() {
        assert_eq!(tag(&artifact("/x/orders-api")), "devenv/orders-api:0123456789abcdef");
        assert_eq!(tag(&artifact("/x/Orders_API.v2")), "devenv/orders-api-v2:0123456789abcdef");
        assert_eq!(tag(&artifact("/x/___")), "devenv/program:0123456789abcdef");
    }

    #[test]
    fn the_archive_is_complete_and_the_same_each_time() {
        let contents = || Contents { architecture: "amd64", files: vec![("orders".into(), 0o755, vec![7; 700])] };
        let bytes = image_archive(&artifact("/x/orders"), contents()).unwrap().concat();
        assert_eq!(bytes, image_archive(&artifact("/x/orders"), contents()).unwrap().concat());
        let mut archive = tar::Archive::new(bytes.as_slice());
        let names: Vec<String> =
            archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
        assert_eq!(names.len(), 3);
        assert_eq!(names[1], "manifest.json");
        assert!(names[2].ends_with("/layer.tar"), "{names:?}");
    }

    #[test]
    fn everybody_may_write_to_tmp_and_the_program_can_be_run() {
        let contents = Contents { architecture: "amd64", files: vec![("orders".into(), 0o755, vec![7; 700])] };
        let bytes = layer(contents).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let modes: std::collections::BTreeMap<String, u32> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap()))
            .collect();
        assert_eq!((modes["tmp/"], modes["orders"], modes["etc/passwd"]), (0o1777, 0o755, 0o644));
    }
}
