/*
 * markers.h - the tags of LFM2 models: around turns of a conversation, thoughts and tool calls.
 */
#ifndef BASE_MARKERS_H
#define BASE_MARKERS_H

#define TURN_START "<|im_start|>"
#define TURN_END "<|im_end|>"
#define THINK_OPEN "<think>"
#define THINK_CLOSE "</think>"
#define TOOL_CALL_START "<|tool_call_start|>"
#define TOOL_CALL_END "<|tool_call_end|>"

#endif
