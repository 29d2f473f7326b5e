import { answerMutants } from "./answer-mutants.js";
import { apiMutants } from "./api-mutants.js";
import { assignmentMutants } from "./assignment-mutants.js";
import { clockMutants } from "./clock-mutants.js";
import { compensationMutants } from "./compensation-mutants.js";
import { damageMutants } from "./damage-mutants.js";
import { dataMutants } from "./data-mutants.js";
import { edgeMutants } from "./edge-mutants.js";
import { gatewayMutants } from "./gateway-mutants.js";
import { layoutMutants } from "./layout-mutants.js";
import { loopMutants } from "./loop-mutants.js";
import { lossMutants } from "./loss-mutants.js";
import type { Mutant } from "./mutant.js";
import { poisonMutants } from "./poison-mutants.js";
import { programMutants } from "./program-mutants.js";
import { promiseMutants } from "./promise-mutants.js";
import { ruleMutants } from "./rule-mutants.js";
import { schemaMutants } from "./schema-mutants.js";
import { terminalMutants } from "./terminal-mutants.js";
import { workerMutants } from "./worker-mutants.js";
import { workflowMutants } from "./workflow-mutants.js";

/** Every way in which the sources are broken, by area. */
export const mutants: readonly Mutant[] = [
  ...promiseMutants,
  ...poisonMutants,
  ...clockMutants,
  ...dataMutants,
  ...loopMutants,
  ...lossMutants,
  ...schemaMutants,
  ...damageMutants,
  ...layoutMutants,
  ...compensationMutants,
  ...workflowMutants,
  ...ruleMutants,
  ...assignmentMutants,
  ...workerMutants,
  ...programMutants,
  ...terminalMutants,
  ...apiMutants,
  ...answerMutants,
  ...gatewayMutants,
  ...edgeMutants,
];
