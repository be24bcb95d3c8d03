// Tests of `idc-sim.mjs`, which also show how to use it.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { AccessDeniedException, CreateUserCommand, IdentitystoreClient } from "@aws-sdk/client-identitystore";
import { ListInstancesCommand, SSOAdminClient } from "@aws-sdk/client-sso-admin";

import { IdcSim } from "./idc-sim.mjs";

let sim;
before(async () => {
  sim = await IdcSim.start("enabled");
});
beforeEach(() => sim.reset());
after(() => sim?.stop());

async function createUser(sim, name) {
  const { Instances } = await new SSOAdminClient(sim.clientOptions()).send(new ListInstancesCommand());
  const user = {
    IdentityStoreId: Instances[0].IdentityStoreId,
    UserName: name,
    DisplayName: name,
    Name: { GivenName: name, FamilyName: "Example" },
  };
  const { UserId } = await new IdentitystoreClient(sim.clientOptions()).send(new CreateUserCommand(user));
  return UserId;
}

async function users(sim) {
  const { instances } = await sim.state();
  return Object.keys(instances[0].store.users);
}

test("a user that a client creates is in the state until a reset", async () => {
  const user = await createUser(sim, "ada");
  assert.deepEqual(await users(sim), [user]);
  await sim.reset();
  assert.deepEqual(await users(sim), []);
});

test("each test starts with the scenario", async () => {
  await createUser(sim, "ada");
  assert.equal((await users(sim)).length, 1);
});

test("a fault is injected", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "faults-"));
  t.after(() => rm(folder, { recursive: true }));
  const faults = join(folder, "faults.toml");
  await writeFile(faults, '[[fault]]\noperation = "CreateUser"\nkind = "error"\ncode = "AccessDeniedException"\n');
  const faulty = await IdcSim.start("enabled", { faults });
  t.after(() => faulty.stop());
  await assert.rejects(createUser(faulty, "ada"), AccessDeniedException);
  assert.deepEqual(await users(faulty), []);
});

test("an unknown scenario is an error with the message of the program", async () => {
  await assert.rejects(IdcSim.start("nothing"), /"nothing" is neither a named scenario nor a file/);
});
