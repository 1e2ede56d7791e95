// SPDX-License-Identifier: MIT OR Apache-2.0
//! A stranger's repository runs nothing: every way in which its own files could name a program is planted, and none of them
//! runs.
#![allow(missing_docs)]

#[path = "../../tests/support/needs.rs"]
mod needs;

use review::extract::spelling::Spellings;
use review::input::{InputError, Source};
use review::series::{Reviewed, Series, review_series};
use review::{Outcome, Review};
use sequences::judge::{Stated, Verdict};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// A repository with two commits, and a program that leaves a mark when somebody runs it.
struct Planted {
    folder: tempfile::TempDir,
}

impl Planted {
    fn new() -> Self {
        let planted = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        planted.git(&["init", "-q"]);
        let source = "f:\n\tdsb ishst\n\ttlbi alle2is\n\tdsb ish\n\tisb\n\tret\n";
        fs::write(planted.root().join("f.S"), source).unwrap();
        planted.git(&["add", "."]);
        planted.git(&["commit", "-qm", "one"]);
        planted.git(&["tag", "one"]);
        fs::write(planted.root().join("f.S"), source.replace("dsb ish\n", "dsb nsh\n")).unwrap();
        planted.git(&["commit", "-qam", "two"]);
        let script = format!("#!/bin/sh\necho \"$0 $*\" >> {}\nexit 1\n", planted.mark().display());
        fs::write(planted.program(), script).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(planted.program(), fs::Permissions::from_mode(0o755)).unwrap();
        }
        planted
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn program(&self) -> PathBuf {
        self.root().join("evil.sh")
    }

    fn mark(&self) -> PathBuf {
        self.root().join("it-ran")
    }

    fn git(&self, arguments: &[&str]) {
        let done = Command::new("git")
            .current_dir(self.root())
            .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
            .args(["-c", "init.defaultBranch=main", "-c", "commit.gpgSign=false"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn set(&self, name: &str, value: &str) {
        self.git(&[
            "config",
            name,
            &value.replace("EVIL", &self.program().display().to_string()),
        ]);
    }

    fn read(&self) -> Result<review::diff::Patch, InputError> {
        let source = Source::Git {
            repository: self.root().to_owned(),
            range: "one..HEAD".into(),
        };
        let read = source.read();
        let whole = review::git::whole(self.root(), "one..HEAD");
        assert_eq!(read.is_ok(), whole.is_ok());
        if read.is_ok() {
            // The files at the commits are read as well.
            let found = reviewed(self.root(), "one..HEAD");
            assert!(found.patches.iter().all(|patch| patch.notes.is_empty()));
        }
        assert!(
            !self.mark().exists(),
            "{}",
            fs::read_to_string(self.mark()).unwrap_or_default()
        );
        read.map(|mut patches| {
            assert_eq!(patches.len(), 1);
            patches.remove(0)
        })
    }

    fn is_read_and_runs_nothing(&self) {
        assert_eq!(self.read().expect("the commits can be read").files.len(), 1);
    }
}

/// Returns the review of a range.
fn reviewed(repository: &Path, range: &str) -> Reviewed {
    let source = Source::Git {
        repository: repository.to_owned(),
        range: range.into(),
    };
    let series = Source::read_series(&[source]).expect("the commits can be read");
    review_series(series, &Spellings::built_in(), &Stated::default(), None)
}

/// Each commit is read with the files that were there: what a header says later, or said before, counts for none.
fn files_are_those_of_the_commit() {
    let planted = Planted::new();
    let write = |path: &str, text: &str| {
        let path = planted.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let commit = |message: &str| {
        planted.git(&["add", "."]);
        planted.git(&["commit", "-qm", message]);
    };
    let header = |option: &str| {
        // What stands between is more than a diff shows.
        let far = "/* . */\n".repeat(60);
        write(
            "include/barriers.h",
            &format!(
                "{far}static inline void tlb_wait(void)\n{{\n\tasm volatile(\"dsb {option}\" ::: \"memory\");\n}}\n"
            ),
        );
    };
    let map = |end: &str| {
        write(
            "mm/aarch64/map.c",
            &format!(
                "#include <barriers.h>\n\nvoid unmap_all(void)\n{{\n\tasm volatile(\"dsb ishst\");\n\tasm volatile(\"tlbi \
                 vmalle1is\");\n{end}}}\n"
            ),
        );
    };
    header("ishst");
    map("\tasm volatile(\"dsb ish\");\n\tisb();\n");
    commit("three");
    planted.git(&["tag", "three"]);
    map("\ttlb_wait();\n\tisb();\n");
    commit("four");
    header("ish");
    commit("five");
    map("\ttlb_wait();\n\tisb();\n\tunmapped = 1;\n\tisb();\n");
    commit("six");
    let found = reviewed(planted.root(), "three..HEAD");
    let verdicts = |patch: &Review| -> Vec<Verdict> {
        let sides = patch.changes.iter().filter_map(|change| change.after.as_ref());
        sides
            .filter(|side| side.function == "unmap_all")
            .map(|side| side.verdict)
            .collect()
    };
    assert_eq!(verdicts(&found.patches[0]), [Verdict::Insufficient]);
    // A header alone: who uses its helper, in another folder, says what that means.
    assert!(found.patches[1].subject.ends_with("five"));
    assert!(
        verdicts(&found.patches[1])
            .iter()
            .all(|verdict| verdict.is_sufficient())
    );
    let mut before = found.patches[1]
        .changes
        .iter()
        .filter_map(|change| change.before.as_ref());
    assert!(before.any(|side| side.function == "unmap_all" && side.verdict == Verdict::Insufficient));
    let last = found.patches.last().expect("three patches");
    assert!(verdicts(last).iter().all(|verdict| verdict.is_sufficient()));
    assert_ne!(last.outcome(), Outcome::Insufficient);
    let end = &found.end.as_ref().expect("it ends somewhere").review;
    assert!(verdicts(end).iter().all(|verdict| verdict.is_sufficient()) && !verdicts(end).is_empty());
    // Alone too, and where a work tree says something else.
    header("sy");
    let alone = reviewed(planted.root(), "three..three~0").patches.len();
    assert!(alone <= 1);
    let four = reviewed(planted.root(), "three..HEAD~2");
    assert_eq!(verdicts(&four.patches[0]), [Verdict::Insufficient]);
    // A mail that says it is a commit of something else is read as what it shows.
    let mail = format!(
        "From {} Mon Sep 17 00:00:00 2001\nSubject: x\n\ndiff --git a/mm/aarch64/map.c b/mm/aarch64/map.c\n--- a/mm/aarch64/map.c\n\
         +++ b/mm/aarch64/map.c\n@@ -1,2 +1,2 @@\n tlbi\n-dsb(ish);\n+dsb(sy);\n",
        "0123456789".repeat(4)
    );
    let mut patches = review::diff::read(mail.as_bytes(), review::diff::Quoting::Outside).unwrap();
    assert_eq!(patches[0].commit, "0123456789".repeat(4));
    let mut series = Series::in_order(patches.split_off(0));
    series.repository = Some(planted.root().to_owned());
    let forged = review_series(series, &Spellings::built_in(), &Stated::default(), None);
    let notes = forged.patches[0].notes.lines(9);
    assert!(
        notes.iter().any(|note| note.contains("not those of the diff")),
        "{notes:?}"
    );
}

fn programs_that_the_configuration_names() {
    let planted = Planted::new();
    for (name, value) in [
        ("log.showSignature", "true"),
        ("gpg.program", "EVIL"),
        ("gpg.ssh.program", "EVIL"),
        ("diff.external", "EVIL"),
        ("diff.submodule", "diff"),
        ("diff.evil.textconv", "EVIL"),
        ("diff.evil.command", "EVIL"),
        ("filter.evil.smudge", "EVIL"),
        ("filter.evil.clean", "EVIL"),
        ("filter.evil.process", "EVIL"),
        ("core.fsmonitor", "EVIL"),
        ("core.pager", "EVIL"),
        ("pager.log", "EVIL"),
        ("core.sshCommand", "EVIL"),
        ("core.editor", "EVIL"),
        ("core.alternateRefsCommand", "EVIL"),
        ("core.gitProxy", "EVIL"),
        ("core.askPass", "EVIL"),
        ("credential.helper", "EVIL"),
        ("alias.log", "!EVIL"),
        ("uploadpack.packObjectsHook", "EVIL"),
        ("trace2.eventTarget", "/dev/null"),
        ("color.pager", "true"),
    ] {
        planted.set(name, value);
    }
    fs::write(planted.root().join(".gitattributes"), "* diff=evil filter=evil\n").unwrap();
    fs::create_dir_all(planted.root().join(".git/info")).unwrap();
    fs::write(planted.root().join(".git/info/attributes"), "* diff=evil filter=evil\n").unwrap();
    fs::create_dir_all(planted.root().join(".git/hooks")).unwrap();
    for hook in ["post-index-change", "reference-transaction", "fsmonitor-watchman"] {
        fs::copy(planted.program(), planted.root().join(".git/hooks").join(hook)).unwrap();
    }
    planted.is_read_and_runs_nothing();
}

fn a_signed_commit_is_not_verified() {
    let planted = Planted::new();
    // A commit with a signature, as whoever writes the repository can put it there.
    let tree = Command::new("git")
        .current_dir(planted.root())
        .args(["rev-parse", "HEAD^{tree}", "HEAD"])
        .output()
        .unwrap();
    let text = String::from_utf8(tree.stdout).unwrap();
    let (tree, parent) = text.trim().split_once('\n').unwrap();
    let commit = format!(
        "tree {tree}\nparent {parent}\nauthor A <a@example.org> 1 +0000\ncommitter A <a@example.org> 1 +0000\ngpgsig \
         -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\nsigned\n"
    );
    fs::write(planted.root().join("commit"), commit).unwrap();
    let made = Command::new("git")
        .current_dir(planted.root())
        .args(["hash-object", "-t", "commit", "-w", "commit"])
        .output();
    let id = String::from_utf8(made.unwrap().stdout).unwrap();
    planted.git(&["update-ref", "refs/heads/main", id.trim()]);
    planted.set("log.showSignature", "true");
    planted.set("gpg.program", "EVIL");
    planted.is_read_and_runs_nothing();
}

fn nothing_is_fetched() {
    for (name, value) in [
        ("remote.evil.url", "ext::EVIL"),
        ("remote.evil.uploadpack", "EVIL"),
        ("core.sshCommand", "EVIL"),
        ("remote.evil.vcs", "EVIL"),
    ] {
        let planted = Planted::new();
        planted.set("remote.evil.url", "ssh://nowhere.invalid/x");
        planted.set("protocol.allow", "always");
        planted.set("protocol.ext.allow", "always");
        planted.set(name, value);
        planted.set("remote.evil.promisor", "true");
        planted.set("remote.evil.partialclonefilter", "blob:none");
        planted.set("core.repositoryFormatVersion", "1");
        planted.set("extensions.partialClone", "evil");
        // The file of the last commit is missing, as in a partial clone.
        let blob = Command::new("git")
            .current_dir(planted.root())
            .args(["rev-parse", "HEAD:f.S"])
            .output()
            .unwrap();
        let id = String::from_utf8(blob.stdout).unwrap();
        let (folder, file) = id.trim().split_at(2);
        fs::remove_file(planted.root().join(".git/objects").join(folder).join(file)).unwrap();
        let error = planted.read().expect_err("an object is missing");
        assert!(matches!(error, InputError::Git { .. }), "{error}");
    }
}

fn other_layouts_are_read() {
    let planted = Planted::new();
    let bare = tempfile::tempdir().unwrap();
    planted.git(&[
        "clone",
        "-q",
        "--bare",
        ".",
        &bare.path().join("b").display().to_string(),
    ]);
    planted.git(&["worktree", "add", "-q", &bare.path().join("w").display().to_string()]);
    fs::create_dir(planted.root().join("sub")).unwrap();
    for place in [bare.path().join("b"), bare.path().join("w"), planted.root().join("sub")] {
        let source = Source::Git {
            repository: place.clone(),
            range: "one..HEAD".into(),
        };
        assert_eq!(
            source.read().expect("it can be read")[0].files.len(),
            1,
            "{}",
            place.display()
        );
    }
    let nowhere = Source::Git {
        repository: bare.path().to_owned(),
        range: "a..b".into(),
    };
    assert!(matches!(nowhere.read(), Err(InputError::Git { .. })));
}

fn main() -> ExitCode {
    let no_git = needs::no_program("git", "--version");
    needs::main([
        (
            "programs_that_the_configuration_names",
            programs_that_the_configuration_names as fn(),
            no_git.clone(),
        ),
        (
            "files_are_those_of_the_commit",
            files_are_those_of_the_commit,
            no_git.clone(),
        ),
        (
            "a_signed_commit_is_not_verified",
            a_signed_commit_is_not_verified as fn(),
            no_git.clone(),
        ),
        ("nothing_is_fetched", nothing_is_fetched as fn(), no_git.clone()),
        ("other_layouts_are_read", other_layouts_are_read as fn(), no_git.clone()),
    ])
}
