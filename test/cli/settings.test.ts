import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig, type Sources } from "#cli/server/settings";
import { ConfigError, exposedBy, parseDuration, serverConfig, settingNames, settings } from "#config/index";

const cwd = mkdtempSync(join(tmpdir(), "taskrun-settings-"));

/** Settings from what is given, with this text as the file. */
function load(given: Partial<Sources>, toml?: string) {
  const file = toml === undefined ? undefined : join(cwd, "given.toml");
  if (file) writeFileSync(file, toml ?? "");
  return loadConfig({ flags: {}, env: {}, cwd, file, ...given });
}

const complaint = (given: Partial<Sources>, toml?: string): string => {
  try {
    load(given, toml);
    return "no complaint";
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
};

test.each([
  ["500ms", 500],
  ["3s", 3_000],
  ["1.5s", 1_500],
  ["2m", 120_000],
  ["1h", 3_600_000],
  ["7d", 604_800_000],
])("%s is %i ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each(["", "3", "s", "-1s", "1 s", "1w", "1h30m"])("%j is not a duration", (text) => {
  expect(() => parseDuration(text)).toThrow(ConfigError);
});

test("with nothing given everything is as documented", () => {
  expect(load({})).toEqual({
    data: join(cwd, ".taskrun"),
    store: "sqlite",
    grpc: ["127.0.0.1:50051", "[::1]:50051"],
    http: ["127.0.0.1:8080", "[::1]:8080"],
    compat: [],
    orchestratorAgents: [],
    allowedHosts: [],
    allowedOrigins: [],
    tls: "off",
    tlsCert: "",
    tlsKey: "",
    issuerCert: "",
    issuerKey: "",
    auth: "auto",
    budgets: new Map(),
    keyRetention: 90 * 86_400_000,
    workerCertificate: 86_400_000,
    auditCheckpoints: "",
    auditSyslog: "",
    auditRetention: 365 * 86_400_000,
    roles: new Map(),
    clientCa: "",
    clientCertificates: new Map(),
    jwtKeys: "",
    jwtIssuer: "",
    jwtAudience: ["taskrun"],
    jwtAlgorithms: ["ES256", "EdDSA", "RS256"],
    jwtPrincipalClaim: "sub",
    jwtRoleClaim: "role",
    jwtRoles: new Map(),
    jwtNamespacesClaim: "namespaces",
    createRates: new Map(),
    waitingTasks: new Map(),
    openWatchers: new Map(),
    dailyOutput: new Map(),
    insecure: false,
    connections: 1_024,
    connectionsPerAddress: 256,
    lease: 30_000,
    heartbeat: 5_000,
    publicLease: 90_000,
    retention: 604_800_000,
    deadLetterRetention: 2_592_000_000,
    retentionOf: [],
    exportTo: "",
    prices: "",
    stale: {
      waitingForDependencies: 3_600_000,
      waitingForRetry: 1_800_000,
      stepsInProcess: 1_800_000,
      waitingForWorker: 1_800_000,
      held: 86_400_000,
      lifetime: 86_400_000,
    },
    acceptClock: false,
    environment: "development",
    templates: "",
    inspect: [],
    inspectPage: true,
    inspectPayloads: false,
    logLevel: "info",
    otlp: "",
  });
  for (const name of settingNames) {
    expect(settings[name]).toMatchObject({
      help: expect.stringMatching(/./),
      range: expect.stringMatching(/./),
    });
  }
});

test("flags win over the environment, that over the file, that over the defaults", () => {
  const toml = 'lease = "40s"\nheartbeat = "6s"\nretention = "2d"\nhttp = []\n';
  const env = { TASKRUN_LEASE: "50s", TASKRUN_HEARTBEAT: "7s", TASKRUN_GRPC: "127.0.0.1:1,127.0.0.1:2" };
  const flags = { lease: "60s", "public-lease": "80s" };

  expect(load({ flags, env }, toml)).toMatchObject({
    lease: 60_000,
    heartbeat: 7_000,
    retention: 172_800_000,
    publicLease: 80_000,
    grpc: ["127.0.0.1:1", "127.0.0.1:2"],
    http: [],
    store: "sqlite",
  });
});

test("text becomes what the setting is: lists, none of them, and truths", () => {
  const flags = { grpc: ["127.0.0.1:0", "[::1]:0"], http: "off" };
  const env = { TASKRUN_INSECURE: "1", TASKRUN_ALLOWED_HOSTS: "a.example, b.example", TASKRUN_DATA: "here" };

  expect(load({ flags, env })).toMatchObject({
    grpc: ["127.0.0.1:0", "[::1]:0"],
    http: [],
    insecure: true,
    allowedHosts: ["a.example", "b.example"],
    data: join(cwd, "here"),
  });
});

test("origins of pages are taken in full, and what is none is named", () => {
  const env = { TASKRUN_ALLOWED_ORIGINS: "http://LOCALHOST:5173/, https://app.example:443" };

  expect(load({ env }).allowedOrigins).toEqual(["http://localhost:5173", "https://app.example"]);
  expect(() => load({ env: { TASKRUN_ALLOWED_ORIGINS: "https://a.example,http://localhost:*" } })).toThrow(
    'TASKRUN_ALLOWED_ORIGINS: "http://localhost:*" has a wildcard: write each origin, with its port',
  );
  expect(() => load({}, 'allowed-origins = ["app.example", 5]\n')).toThrow(
    /allowed-origins: "app.example" is no origin: .*\n.*allowed-origins: "5" is no text/,
  );
});

test("numbers may be text, and are whole", () => {
  const flags = { connections: "20" };
  expect(load({ flags }, "connections-per-address = 7\n")).toMatchObject({
    connections: 20,
    connectionsPerAddress: 7,
  });
  expect(() => load({}, "connections = 1.5\n")).toThrow(/whole number/);
});

test("the folder of templates is looked for from the working directory, and is none if it is not named", () => {
  expect(load({ flags: { templates: "flows" } }).templates).toBe(join(cwd, "flows"));
  expect(load({}, 'environment = "production"\ntemplates = ""\n')).toMatchObject({
    environment: "production",
    templates: "",
  });
});

test.each<[string, Partial<Sources>, string | undefined, string]>([
  ["an unknown key", {}, 'leese = "3s"', "there is no setting leese; did you mean lease?"],
  [
    "an unknown variable",
    { env: { TASKRUN_HARTBEAT: "1s" } },
    undefined,
    "there is no variable TASKRUN_HARTBEAT; did you mean TASKRUN_HEARTBEAT?",
  ],
  [
    "a bad duration, by its variable",
    { env: { TASKRUN_LEASE: "soon" } },
    undefined,
    'TASKRUN_LEASE: "soon" is not a duration',
  ],
  [
    "a bad duration, by its place in the file",
    {},
    'lease = "1d"',
    'given.toml: lease: "1d" is out of range: 500ms to 1h',
  ],
  [
    "a number where a duration stands",
    {},
    "lease = 3",
    'lease: write a duration in quotes, for example "3s"',
  ],
  ["a list where a path stands", {}, 'data = ["x"]', "data: write a path in quotes"],
  ["a text where a list stands", {}, 'grpc = "127.0.0.1:1"', "grpc: write a list of addresses"],
  ["a number among addresses", {}, "http = [8080]", 'http: "8080" is no text; write addresses in quotes'],
  ["a text where a truth stands", {}, 'insecure = "yes"', "insecure: write true or false"],
  ["a number where a word stands", {}, "log-level = 3", "log-level: 3 is none of debug, info, warn, error"],
  ["a number that is none", { flags: { connections: "many" } }, undefined, "--connections: "],
  ["a number out of range", {}, "connections-per-address = 0", "write a whole number from 1 to 100000"],
  ["a bad address", { flags: { grpc: ["127.0.0.1"] } }, undefined, '--grpc: "127.0.0.1" is not HOST:PORT'],
  ["a port beyond the last", { flags: { http: ["[::1]:65536"] } }, undefined, "is not HOST:PORT"],
  ["no listener for workers", {}, "grpc = []", "at least one address"],
  [
    "a store that is none",
    { flags: { store: "redis" } },
    undefined,
    '--store: "redis" is none of sqlite, memory',
  ],
  [
    "a heartbeat the lease has no room for",
    { flags: { lease: "3s", heartbeat: "2s" } },
    undefined,
    "more than half of lease",
  ],
  [
    "an open listener",
    { flags: { grpc: ["0.0.0.0:50051"] } },
    undefined,
    "0.0.0.0:50051 can be reached from other machines",
  ],
  ["a file that is not there", { env: { TASKRUN_CONFIG: "none.toml" } }, undefined, "there is no such file"],
  ["a file that is not TOML", {}, "lease = ", "given.toml:1:"],
])("refused: %s", (_, given, toml, message) => {
  expect(complaint(given, toml)).toContain(message);
});

test("everything that is wrong is said at once", () => {
  expect(complaint({ flags: { lease: "x", retention: "1h", "log-level": "loud" } }).split("\n")).toHaveLength(
    3,
  );
});

test("what a container host sets for a service called taskrun is not taken for a setting", () => {
  const env = {
    TASKRUN_SERVICE_HOST: "10.0.0.1",
    TASKRUN_PORT: "tcp://10.0.0.1:50051",
    TASKRUN_PORT_50051_TCP_ADDR: "10.0.0.1",
  };

  expect(load({ env }).lease).toBe(30_000);
});

test("an open listener may be meant", () => {
  expect(serverConfig({ grpc: ["0.0.0.0:50051"], insecure: true }).grpc).toEqual(["0.0.0.0:50051"]);
  const both = { grpc: ["0.0.0.0:50051"], tls: "auto" };
  expect(serverConfig(both).grpc).toEqual(["0.0.0.0:50051"]);
  expect(exposedBy(serverConfig(both))).toEqual([]);
  expect(() => serverConfig({ ...both, auth: "off" })).toThrow("say --auth on, or --insecure");
  expect(() => serverConfig({ grpc: both.grpc, auth: "on" })).toThrow(
    "say --tls auto (or --tls-cert and --tls-key), or",
  );
  expect(exposedBy(serverConfig({ ...both, auth: "off", insecure: true }))).toEqual(["0.0.0.0:50051"]);
});

test("a system's name alone opens its usual ports on the loopback; with an address only that", () => {
  const usual = [50_052, 50_053].flatMap((port) =>
    [`127.0.0.1:${port}`, `[::1]:${port}`].map((address) => ({ name: "orchestrator", address })),
  );
  const taker = { name: "tasker-worker", address: "[::1]:9000" };
  expect(load({}, 'compat = ["orchestrator", "tasker-worker=[::1]:9000"]').compat).toEqual([...usual, taker]);
  expect(load({ env: { TASKRUN_COMPAT: "tasker-worker=[::1]:9000" } }).compat).toEqual([taker]);
  expect(load({ flags: { compat: ["tasker"] } }).compat.map(({ address }) => address)).toEqual([
    "127.0.0.1:9190",
    "[::1]:9190",
  ]);
  expect(load({ flags: { compat: ["off"] } }).compat).toEqual([]);
});

test.each([
  ["airflow", '"airflow" names none of orchestrator, tasker, tasker-worker'],
  ["tasker=9190", '"tasker=9190" is not NAME=HOST:PORT; write for example tasker=127.0.0.1:9000'],
  ["tasker=0.0.0.0:9190", "0.0.0.0:9190 can be reached from other machines"],
])("compat %s is refused", (entry, problem) => {
  expect(complaint({ flags: { compat: [entry] } })).toContain(problem);
});

test("rules of retention are a table in the file, and NAMESPACE[/STATUS]=DURATION in flags", () => {
  const wanted = [
    { namespace: "research", status: "FAILED", keep: 30 * 86_400_000 },
    { namespace: "a=b", keep: 86_400_000 },
  ];
  expect(load({}, '[retention-of]\n"research/failed" = "30d"\n"a=b" = "24h"\n').retentionOf).toEqual(wanted);
  expect(load({ flags: { "retention-of": ["research/FAILED=30d", "a=b=1d"] } }).retentionOf).toEqual(wanted);
  for (const text of ["a", "=5d", "/FAILED=5d", "a/RUNNING=5d", "a=5"])
    expect(complaint({ flags: { "retention-of": [text] } }), text).toContain("--retention-of: ");
  // Idempotency keys are promised for a day.
  expect(complaint({ flags: { "retention-of": ["a=23h"] } })).toContain(
    '"23h" is out of range: 24h to 3650d',
  );
});
