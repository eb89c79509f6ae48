/** Everything that the UI computes from the state, in one place to import from. */
export * from "app/core/conversation.js";
export { hueOf } from "app/core/ids.js";
export { conversationList } from "app/core/list.js";
export { timeline } from "app/core/timeline.js";
