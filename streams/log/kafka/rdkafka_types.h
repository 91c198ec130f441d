// Names of librdkafka's types, so that its header is included in .cc files only.
#pragma once

struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_topic_s;
struct rd_kafka_queue_s;
struct rd_kafka_error_s;
struct rd_kafka_message_s;
