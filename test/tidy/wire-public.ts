/**
 * The public taskrun.v1 protocol, below 100: what workers and clients that are not ours were built
 * against. Nothing in this table may ever change. A line that is not indented starts an enum, a message or a
 * service; `*` marks a repeated field, `?` one with presence, `payload.` an arm of the oneof `payload`.
 */
export const publicProtocol = `
enum TaskStatus
  0 TASK_STATUS_UNSPECIFIED, 1 TASK_STATUS_PENDING, 2 TASK_STATUS_RUNNING, 3 TASK_STATUS_COMPLETED,
  4 TASK_STATUS_FAILED, 5 TASK_STATUS_CANCELLED
enum RunStatus
  0 RUN_STATUS_UNSPECIFIED, 1 RUN_STATUS_PENDING, 2 RUN_STATUS_ASSIGNED, 3 RUN_STATUS_RUNNING,
  4 RUN_STATUS_COMPLETED, 5 RUN_STATUS_FAILED, 6 RUN_STATUS_CANCELLED
enum WorkerStatus
  0 WORKER_STATUS_UNSPECIFIED, 1 WORKER_STATUS_IDLE, 2 WORKER_STATUS_BUSY, 3 WORKER_STATUS_DRAINING,
  4 WORKER_STATUS_ERROR
enum ChatRole
  0 CHAT_ROLE_UNSPECIFIED, 1 CHAT_ROLE_USER, 2 CHAT_ROLE_ASSISTANT, 3 CHAT_ROLE_SYSTEM
enum RunEventType
  0 RUN_EVENT_TYPE_UNSPECIFIED, 1 RUN_EVENT_TYPE_EXECUTION_STARTED, 2 RUN_EVENT_TYPE_SESSION_INITIALIZED,
  3 RUN_EVENT_TYPE_TOOL_REQUESTED, 4 RUN_EVENT_TYPE_TOOL_COMPLETED, 5 RUN_EVENT_TYPE_OUTPUT_GENERATED,
  6 RUN_EVENT_TYPE_EXECUTION_COMPLETED, 7 RUN_EVENT_TYPE_EXECUTION_FAILED

message ModelBackend
  1 string provider, 2 string model_name, 3 uint32 context_window, 4 bool supports_streaming,
  5 string* modalities, 6 string* tools, 7 map<string,string> metadata
message AgentSpec
  1 string name, 2 string description, 3 map<string,string> labels, 4 ModelBackend* backends
message WorkerInfo
  1 string worker_id, 2 string hostname, 3 string version, 4 AgentSpec* agents, 5 map<string,string> labels
message ChatMessage
  1 ChatRole role, 2 string content, 3 int64 timestamp_ms
message RunEvent
  1 string id, 2 string run_id, 3 string task_id, 4 RunEventType event_type, 5 int64 timestamp_ms,
  6 map<string,string> metadata

service RunService
  StreamConnect stream RunClientMessage -> stream RunServerMessage
message RunClientMessage
  1 WorkerHello payload.hello, 2 WorkerHeartbeat payload.heartbeat, 3 RunStatusUpdate payload.status_update,
  4 RunOutputChunk payload.output_chunk, 5 RunEvent payload.event, 6 RunChatMessage payload.chat_message
message WorkerHello
  1 WorkerInfo info
message WorkerHeartbeat
  1 string worker_id, 2 WorkerStatus status, 3 uint32 active_runs, 4 uint32 max_concurrent_runs,
  5 map<string,string> metrics, 6 int64 timestamp_ms
message RunStatusUpdate
  1 string run_id, 2 RunStatus status, 3 string error_message, 4 ModelBackend backend_used,
  5 int64 timestamp_ms
message RunOutputChunk
  1 string run_id, 2 uint64 seq, 3 string content, 4 bool is_final, 5 map<string,string> metadata,
  6 int64 timestamp_ms
message RunChatMessage
  1 string run_id, 2 ChatMessage message
message RunServerMessage
  1 RunAssignment payload.assign_run, 2 CancelRun payload.cancel_run, 3 ServerAck payload.ack,
  4 ContinueRun payload.continue_run
message RunAssignment
  1 string run_id, 2 string task_id, 3 string agent_name, 4 string input_json, 5 map<string,string> labels,
  6 int64 issued_at_ms, 7 int64 deadline_ms
message CancelRun
  1 string run_id, 2 string reason
message ServerAck
  1 string ack_type, 2 string ref_id
message ContinueRun
  1 string run_id, 2 string message, 3 int64 timestamp_ms

service TaskService
  CreateTask CreateTaskRequest -> Task, GetTask GetTaskRequest -> Task,
  ListTasks ListTasksRequest -> ListTasksResponse, CancelTask CancelTaskRequest -> Task
message Task
  1 string id, 2 string agent_name, 3 string input_json, 4 TaskStatus status, 5 string created_by,
  6 int64 created_at_ms, 7 map<string,string> labels, 8 RunSummary* runs
message RunSummary
  1 string run_id, 2 string worker_id, 3 RunStatus status, 4 int64 started_at_ms, 5 int64 finished_at_ms,
  6 ModelBackend backend_used, 7 string error_message
message CreateTaskRequest
  1 string agent_name, 2 string input_json, 3 string created_by, 4 map<string,string> labels
message GetTaskRequest
  1 string id
message ListTasksRequest
  1 TaskStatus status_filter, 2 string agent_filter, 3 int32 limit
message ListTasksResponse
  1 Task* tasks
message CancelTaskRequest
  1 string id

service WorkerService
  ListWorkers ListWorkersRequest -> ListWorkersResponse, GetWorker GetWorkerRequest -> Worker
message Worker
  1 string worker_id, 2 string hostname, 3 string version, 4 WorkerStatus status, 5 AgentSpec* agents,
  6 map<string,string> labels, 7 uint32 active_runs, 8 uint32 max_concurrent_runs, 9 int64 last_heartbeat_ms
message ListWorkersRequest
  1 string? agent_name, 2 WorkerStatus? status
message ListWorkersResponse
  1 Worker* workers
message GetWorkerRequest
  1 string worker_id
`;
