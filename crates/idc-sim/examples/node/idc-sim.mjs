// A simulated AWS for a test: starts and stops a server on a free port of 127.0.0.1.
//
//   const sim = await IdcSim.start("complete", { latency: "20ms" });
//   new SSOAdminClient(sim.clientOptions());
//   await sim.stop();
//
// It needs no packages. The variable IDC_SIM names the program. Without it, `idc-sim` must be in PATH.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export class IdcSim {
  #process;
  #variables;

  constructor(process, variables) {
    this.#process = process;
    this.#variables = variables;
  }

  // Starts a server, and waits until it answers. The options are `faults` (the path of a faults file), `quota` ("aws")
  // and `latency` (such as "80ms").
  static async start(scenario = "enabled", options = {}) {
    const given = ["faults", "quota", "latency"].filter((name) => options[name] !== undefined);
    const parameters = given.flatMap((name) => [`--${name}`, options[name]]);
    const program = process.env.IDC_SIM || "idc-sim";
    const child = spawn(program, [scenario, ...parameters], { stdio: ["ignore", "pipe", "pipe"] });
    let message = "";
    child.on("error", (error) => (message += error.message));
    child.stderr.setEncoding("utf8").on("data", (text) => (message += text));
    const closed = new Promise((resolve) => child.once("close", resolve));
    const variables = {};
    for await (const line of createInterface({ input: child.stdout })) {
      const [, name, value] = /^export (\w+)=(.*)$/.exec(line);
      variables[name] = unquoted(value);
      // HOME is the last variable that the server always prints.
      if (name === "HOME") break;
    }
    if (!variables.HOME) {
      await closed;
      throw new Error(`idc-sim does not start: ${message.trim()}`);
    }
    child.stdout.resume();
    const sim = new IdcSim(child, variables);
    await sim.#request("GET", "/_sim/health");
    return sim;
  }

  // Stops the server. The simulated account is lost.
  async stop() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill();
    await once(this.#process, "exit");
  }

  get url() {
    return this.#variables.AWS_ENDPOINT_URL;
  }

  // The environment for a program that uses the server, without this process's own AWS settings.
  environment() {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_"));
    return { ...Object.fromEntries(inherited), ...this.#variables, NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" };
  }

  // The options for the constructor of a client of the AWS SDK.
  clientOptions() {
    return {
      endpoint: this.url,
      region: this.#variables.AWS_REGION,
      credentials: {
        accessKeyId: this.#variables.AWS_ACCESS_KEY_ID,
        secretAccessKey: this.#variables.AWS_SECRET_ACCESS_KEY,
        sessionToken: this.#variables.AWS_SESSION_TOKEN,
      },
    };
  }

  // Restores the scenario. Removes the faults too: start another server to have them again.
  reset() {
    return this.#request("POST", "/_sim/reset");
  }

  // The state of the simulated account.
  state() {
    return this.#request("GET", "/_sim/state");
  }

  async #request(method, path) {
    const response = await fetch(this.url + path, { method });
    if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status}`);
    return response.json();
  }
}

// Removes the quotes of a POSIX shell. The server quotes a value only if it must.
function unquoted(value) {
  return value.replace(/'([^']*)'|"([^"]*)"|\\(.)/g, (_, single, double, escaped) => single ?? double ?? escaped);
}
