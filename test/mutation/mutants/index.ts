import type { Mutant } from "../mutant.js";
import { accessMutants } from "./access.js";
import { agentMutants } from "./agent.js";
import { answerMutants } from "./answer.js";
import { apiMutants } from "./api.js";
import { assignmentMutants } from "./assignment.js";
import { auditMutants } from "./audit.js";
import { authorityMutants } from "./authority.js";
import { beginAgainMutants } from "./begin-again.js";
import { browserMutants } from "./browser.js";
import { budgetMutants } from "./budgets.js";
import { childMutants } from "./children.js";
import { clockMutants } from "./clock.js";
import { compensationMutants } from "./compensation.js";
import { credentialMutants } from "./credentials.js";
import { dailyMutants } from "./daily.js";
import { damageMutants } from "./damage.js";
import { dataMutants } from "./data.js";
import { deadLetterMutants } from "./dead-letters.js";
import { devMutants } from "./dev.js";
import { durableMutants } from "./durable.js";
import { edgeMutants } from "./edge.js";
import { embeddedMutants } from "./embedded.js";
import { enrolmentMutants } from "./enrolment.js";
import { everyApiMutants } from "./every-api.js";
import { execStepsMutants } from "./exec-steps.js";
import { explainMutants } from "./explain.js";
import { gatewayMutants } from "./gateway.js";
import { inspectMutants } from "./inspect.js";
import { inspectPageMutants } from "./inspect-page.js";
import { journalMutants } from "./journal.js";
import { simulatedJournalMutants } from "./journal-simulation.js";
import { keepMutants } from "./keep.js";
import { layoutMutants } from "./layout.js";
import { longMapMutants } from "./long-maps.js";
import { loopMutants } from "./loop.js";
import { lossMutants } from "./loss.js";
import { mappingMutants } from "./mapping.js";
import { modelSessionMutants } from "./model-sessions.js";
import { modelMutants } from "./models.js";
import { nodeMutants } from "./nodes.js";
import { simulatedNodeMutants } from "./nodes-simulation.js";
import { orchestratorMutants } from "./orchestrator.js";
import { pauseMutants } from "./pauses.js";
import { poisonMutants } from "./poison.js";
import { postgresMutants } from "./postgres.js";
import { programMutants } from "./program.js";
import { promiseMutants } from "./promise.js";
import { repairMutants } from "./repair.js";
import { restMutants } from "./rest.js";
import { ruleMutants } from "./rule.js";
import { schemaMutants } from "./schema.js";
import { sdkMutants } from "./sdk.js";
import { securityMutants } from "./security.js";
import { taskerMutants } from "./tasker.js";
import { taskerV1Mutants } from "./tasker-v1.js";
import { terminalMutants } from "./terminal.js";
import { testKitMutants } from "./test-kit.js";
import { traceMutants } from "./trace.js";
import { trailMutants } from "./trail.js";
import { unitMutants } from "./units.js";
import { usageMutants } from "./usage.js";
import { waitMutants } from "./wait.js";
import { wakeMutants } from "./wakes.js";
import { wallMutants } from "./walls.js";
import { workerMutants } from "./worker.js";
import { workflowMutants } from "./workflow.js";

/** Every way in which the sources are broken, by area. */
export const mutants: readonly Mutant[] = [
  ...promiseMutants,
  ...securityMutants,
  ...enrolmentMutants,
  ...accessMutants,
  ...auditMutants,
  ...trailMutants,
  ...everyApiMutants,
  ...execStepsMutants,
  ...explainMutants,
  ...authorityMutants,
  ...credentialMutants,
  ...wallMutants,
  ...taskerV1Mutants,
  ...browserMutants,
  ...pauseMutants,
  ...usageMutants,
  ...poisonMutants,
  ...clockMutants,
  ...dataMutants,
  ...loopMutants,
  ...lossMutants,
  ...schemaMutants,
  ...dailyMutants,
  ...damageMutants,
  ...journalMutants,
  ...simulatedJournalMutants,
  ...keepMutants,
  ...deadLetterMutants,
  ...layoutMutants,
  ...compensationMutants,
  ...workflowMutants,
  ...mappingMutants,
  ...longMapMutants,
  ...repairMutants,
  ...ruleMutants,
  ...assignmentMutants,
  ...workerMutants,
  ...agentMutants,
  ...budgetMutants,
  ...programMutants,
  ...modelMutants,
  ...modelSessionMutants,
  ...terminalMutants,
  ...apiMutants,
  ...answerMutants,
  ...unitMutants,
  ...simulatedNodeMutants,
  ...nodeMutants,
  ...waitMutants,
  ...gatewayMutants,
  ...taskerMutants,
  ...restMutants,
  ...orchestratorMutants,
  ...durableMutants,
  ...beginAgainMutants,
  ...childMutants,
  ...edgeMutants,
  ...embeddedMutants,
  ...inspectMutants,
  ...inspectPageMutants,
  ...testKitMutants,
  ...devMutants,
  ...sdkMutants,
  ...traceMutants,
  ...postgresMutants,
  ...wakeMutants,
];
