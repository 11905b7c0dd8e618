/*
 * markers.h - the tags that LFM2 models write around thoughts and tool calls.
 */
#ifndef BASE_MARKERS_H
#define BASE_MARKERS_H

#define THINK_OPEN "<think>"
#define THINK_CLOSE "</think>"
#define TOOL_CALL_START "<|tool_call_start|>"
#define TOOL_CALL_END "<|tool_call_end|>"

#endif
