"use strict";

const { spawn } = require("node:child_process");

// Signals that a process manager or a terminal sends. A terminal sends Ctrl-C to the program as well, so it is passed on
// only without one: two would mean that the user asks a second time.
const SIGNALS = process.platform === "win32" ? ["SIGINT"] : ["SIGINT", "SIGTERM", "SIGHUP"];

function find(program) {
  const platform = `@idc-setup/${process.platform}-${process.arch}`;
  const file = process.platform === "win32" ? `${program}.exe` : program;
  try {
    return require.resolve(`${platform}/bin/${file}`);
  } catch {
    console.error(
      `Error: The npm package ${platform} is not installed. Either there are no programs for this platform, or optional ` +
        "dependencies were left out: install again without --omit=optional and --no-optional.",
    );
    process.exit(1);
  }
}

// Runs a program of this platform's package with the arguments of this process, and ends as it does.
module.exports = function launch(program) {
  const child = spawn(find(program), process.argv.slice(2), { stdio: "inherit" });
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) {
        child.kill(signal);
      }
    });
  }
  child.on("error", (error) => {
    console.error(`Error: ${program} cannot be started: ${error.message}.`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else {
      process.exit(code);
    }
  });
};
