// KStream<K,V>: an unbounded sequence of records, as a place in the topology under construction.
//
//   builder.stream<std::string, Order>("orders")
//       .filter([](const Order& order) { return order.cents > 0; })
//       .map_values(&Order::customer)
//       .to("customers");
//
// Callables take (const V&) or (const K&, const V&) and are anything that std::invoke takes. Each
// task works on its own copy of them, so what they capture by value needs no lock; a `mutable`
// lambda keeps its state per task, until the next abort. Arguments live for the call. A callable
// runs again where a transaction is repeated: effects outside happen at least once. What it throws
// stops the topology with its operator's name.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "millrace/dsl/branch.h"
#include "millrace/dsl/detail/checks.h"
#include "millrace/dsl/detail/process_checks.h"
#include "millrace/dsl/detail/stream_handle.h"
#include "millrace/dsl/detail/stream_nodes.h"
#include "millrace/dsl/detail/stream_table_join_node.h"
#include "millrace/dsl/detail/table_checks.h"
#include "millrace/dsl/detail/table_source.h"
#include "millrace/dsl/detail/topic_nodes.h"
#include "millrace/dsl/kgrouped_stream.h"
#include "millrace/dsl/ktable.h"
#include "millrace/dsl/options.h"
#include "millrace/dsl/processed.h"
#include "millrace/store_name.h"
#include "millrace/topic.h"

namespace millrace {

// A value: copies mean the same place. Belongs to its StreamsBuilder: adding to it after build()
// throws TopologyError. Not thread-safe.
template <class K, class V>
class KStream : public detail::StreamHandle {
 public:
  using Key = K;
  using Value = V;
  using detail::StreamHandle::StreamHandle;

  // --- one record in, at most one out --------------------------------------------------------

  // The records for which the predicate (-> bool) is true; filter_not: false.
  template <class F>
  [[nodiscard]] KStream filter(F predicate, Named named = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_predicate<F, K, V>(), F>::value) {
      return filtered("filter", std::move(predicate), true, named);
    } else {
      return *this;
    }
  }
  template <class F>
  [[nodiscard]] KStream filter_not(F predicate, Named named = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_predicate<F, K, V>(), F>::value) {
      return filtered("filter_not", std::move(predicate), false, named);
    } else {
      return *this;
    }
  }

  // Each value becomes what the callable returns; a result by reference is passed on without a
  // copy.
  template <class F>
  [[nodiscard]] auto map_values(F mapper, Named named = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_mapper<F, K, V>(), F>::value) {
      using R = detail::call_result_t<F, K, V>;
      return KStream<K, R>(
          add("map_values", named, new detail::MapValuesNode<K, V, R, F>(std::move(mapper))),
          keys());
    } else {
      return detail::Failed();
    }
  }

  // Key and value become the KeyValue that the callable returns. The key may have changed: records
  // are not in place any more.
  template <class F>
  [[nodiscard]] auto map(F mapper, Named named = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_key_value_mapper<F, K, V>(), F>::value) {
      using R = detail::call_result_t<F, K, V>;
      using K2 = decltype(R::key);
      using V2 = decltype(R::value);
      return KStream<K2, V2>(
          add("map", named, new detail::MapNode<K, V, K2, V2, F>(std::move(mapper))),
          detail::Keys::kMoved);
    } else {
      return detail::Failed();
    }
  }

  // Each key becomes what the callable returns. Records are not in place any more.
  template <class F>
  [[nodiscard]] auto select_key(F mapper, Named named = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_mapper<F, K, V>(), F>::value) {
      return key_selected(std::move(mapper), named);
    } else {
      return detail::Failed();
    }
  }

  // Without the deleted ones: values of std::optional<R> become R.
  template <class Optional = V>
  [[nodiscard]] auto drop_tombstones(Named named = {}) const {
    if constexpr (detail::NoMistake < detail::is_optional<Optional>
                      ? detail::Mistake::kNone
                      : detail::Mistake::kNeverMissing,
                  Optional > ::value) {
      using R = typename Optional::value_type;
      return KStream<K, R>(add("drop_tombstones", named, new detail::DropTombstonesNode<K, R>()),
                           keys());
    } else {
      return *this;
    }
  }

  // --- one record in, any number out -----------------------------------------------------------

  // One record per element of the range that the callable returns, with the same key.
  template <class F>
  [[nodiscard]] auto flat_map_values(F mapper, Named named = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_range_mapper<F, K, V>(), F>::value) {
      using R = detail::range_element_t<detail::call_result_t<F, K, V>>;
      return KStream<K, R>(add("flat_map_values", named,
                               new detail::FlatMapValuesNode<K, V, R, F>(std::move(mapper))),
                           keys());
    } else {
      return detail::Failed();
    }
  }

  // One record per KeyValue of the range that the callable returns. Records are not in place any
  // more.
  template <class F>
  [[nodiscard]] auto flat_map(F mapper, Named named = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_key_value_range_mapper<F, K, V>(),
                                    F>::value) {
      using R = detail::range_element_t<detail::call_result_t<F, K, V>>;
      using K2 = decltype(R::key);
      using V2 = decltype(R::value);
      return KStream<K2, V2>(
          add("flat_map", named, new detail::FlatMapNode<K, V, K2, V2, F>(std::move(mapper))),
          detail::Keys::kMoved);
    } else {
      return detail::Failed();
    }
  }

  // --- looking on ------------------------------------------------------------------------------

  // Calls it for each record, which goes on unchanged.
  template <class F>
  KStream peek(F look, Named named = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_callable<F, K, V>(), F>::value) {
      return {add("peek", named, new detail::PeekNode<K, V, F>(std::move(look))), keys()};
    } else {
      return *this;
    }
  }

  // Calls it for each record.
  template <class F>
  void for_each(F look, Named named = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_callable<F, K, V>(), F>::value) {
      add("for_each", named, new detail::PeekNode<K, V, F>(std::move(look)));
    }
  }

  // --- operators of one's own ------------------------------------------------------------------

  // Each record goes to a Processor<K, V, KOut, VOut> (millrace/processor.h): a value, of which each
  // task has a copy, or a callable that makes one per task, by value or by std::unique_ptr. Gives a
  // KStream<KOut, VOut> of what it forwards, whose records are not in place any more; or nothing
  // where it declares no output.
  template <class P>
  auto process(P processor, Processed options = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_processor<P, K, V>(), P>::value) {
      using Types = detail::processor_types_t<P>;
      using KOut = typename Types::OutKey;
      using VOut = typename Types::OutValue;
      const detail::Handle added = processed<Types>("process", std::move(processor), options);
      if constexpr (!std::is_void_v<KOut> && !std::is_void_v<VOut>) {
        return KStream<KOut, VOut>(added, detail::Keys::kMoved);
      }
    } else {
      return detail::Failed();
    }
  }

  // The same with a FixedKeyProcessor<K, V, VOut>: keys, and so places, stay.
  template <class P>
  auto process_values(P processor, Processed options = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_fixed_key_processor<P, K, V>(), P>::value) {
      using Types = detail::fixed_key_types_t<P>;
      return KStream<K, typename Types::OutValue>(
          processed<Types>("process_values", std::move(processor), options), keys());
    } else {
      return detail::Failed();
    }
  }

  // --- several streams -------------------------------------------------------------------------

  // The records of both. Order between the two is that of their processing (SEMANTICS R-T4, R-F4).
  [[nodiscard]] KStream merge(const KStream& other, Named named = {}) const {
    const bool moved = keys() == detail::Keys::kMoved || other.keys() == detail::Keys::kMoved;
    return {add_merge(other, named, new detail::PassNode<K, V>()),
            moved ? detail::Keys::kMoved : detail::Keys::kInPlace};
  }

  // One stream per predicate (at most 8) and one more. A record goes to the stream of the first
  // predicate that takes it, or to the last stream.
  //
  //   const auto [posted, removed, other] = events.split(is_posted, is_removed);
  //
  // Instead of a predicate stands Branch{"name", predicate}, for its name in describe().
  template <class F1, class F2 = detail::NoBranch, class F3 = detail::NoBranch,
            class F4 = detail::NoBranch, class F5 = detail::NoBranch, class F6 = detail::NoBranch,
            class F7 = detail::NoBranch, class F8 = detail::NoBranch>
  [[nodiscard]] auto split(F1 f1, F2 f2 = {}, F3 f3 = {}, F4 f4 = {}, F5 f5 = {}, F6 f6 = {},
                           F7 f7 = {}, F8 f8 = {},
                           SourceLocation where = SourceLocation::current()) const {
    using Present =
        std::make_index_sequence<detail::count_branches<F1, F2, F3, F4, F5, F6, F7, F8>>;
    if constexpr (detail::NoMistake<
                      detail::mistake_in_branches<K, V, F1, F2, F3, F4, F5, F6, F7, F8>(), F1, F2,
                      F3, F4, F5, F6, F7, F8>::value) {
      return split_into(std::tie(f1, f2, f3, f4, f5, f6, f7, f8), Present(), where);
    } else {
      return unsplit(Present());
    }
  }

  // --- between partitions ----------------------------------------------------------------------

  // Sends the records through an internal topic, "<application.id>-<name>-repartition", so that
  // each lies in the partition of its key again. Null keys, where K has them, are dropped and
  // counted (SEMANTICS R-RP2). Timestamps and headers stay.
  [[nodiscard]] KStream repartition(Name name, Repartitioned<K, V> options) const {
    if constexpr (detail::NoMistake<detail::mistake_in_moving<K>(), K>::value) {
      return repartitioned("repartition", name, std::move(options));
    } else {
      return *this;
    }
  }
  [[nodiscard]] KStream repartition(Name name,
                                    SourceLocation where = SourceLocation::current()) const {
    if constexpr (detail::NoMistake<detail::first_of(detail::mistake_in_moving<K>(),
                                                     detail::mistake_in_default_serdes<K, V>()),
                                    K, V>::value) {
      return repartitioned("repartition", name, {.where = where});
    } else {
      return *this;
    }
  }

  // --- groups ----------------------------------------------------------------------------------

  // Ready to be aggregated by the key that is there. REQUIRES: records are in place; build() says
  // where they are not.
  [[nodiscard]] auto group_by_key(SourceLocation where = SourceLocation::current()) const {
    if constexpr (detail::NoMistake<detail::mistake_in_grouping<K, V>(), K, V>::value) {
      require_in_place("group_by_key", where);
      return KGroupedStream<K, V>(*this);
    } else {
      return detail::Failed();
    }
  }

  // select_key(), repartition() and group_by_key() in one: by the key that the callable returns.
  template <class F>
  [[nodiscard]] auto group_by(Name name, F mapper,
                              Grouped<detail::new_key_t<F, K, V>, V> options) const {
    if constexpr (detail::NoMistake<detail::mistake_in_group_mapper<F, K, V>(), F>::value) {
      return grouped(name, std::move(mapper), std::move(options));
    } else {
      return detail::Failed();
    }
  }
  template <class F>
  [[nodiscard]] auto group_by(Name name, F mapper,
                              SourceLocation where = SourceLocation::current()) const {
    using K2 = detail::new_key_t<F, K, V>;
    if constexpr (detail::NoMistake<detail::first_of(detail::mistake_in_group_mapper<F, K, V>(),
                                                     detail::mistake_in_default_serdes<K2, V>()),
                                    F>::value) {
      return grouped(name, std::move(mapper), Grouped<K2, V>{.where = where});
    } else {
      return detail::Failed();
    }
  }

  // --- tables ----------------------------------------------------------------------------------

  // The newest value of each key, kept in a store of this name; std::nullopt deletes. Null keys,
  // where K has them, are dropped and counted (SEMANTICS R-N). REQUIRES: records are in place;
  // build() says where they are not.
  auto to_table(KeyValueStoreName<K, detail::row_t<V>> store,
                Materialized<K, detail::row_t<V>> options) const {
    using R = detail::row_t<V>;
    if constexpr (detail::NoMistake<detail::mistake_in_key<K>(), K>::value) {
      require_in_place("to_table", options.where);
      return KTable<K, R>(detail::add_to_table<K, V, R>(*this, store, options));
    } else {
      return detail::Failed();
    }
  }
  auto to_table(KeyValueStoreName<K, detail::row_t<V>> store,
                SourceLocation where = SourceLocation::current()) const {
    using R = detail::row_t<V>;
    if constexpr (detail::NoMistake<detail::first_of(detail::mistake_in_key<K>(),
                                                     detail::mistake_in_default_serdes<K, R>()),
                                    K, R>::value) {
      return to_table(store, Materialized<K, R>{.where = where});
    } else {
      return detail::Failed();
    }
  }

  // Each record with the row that the table holds for its key at that moment; changes of the table
  // make no results. join(): where there is such a row; joiner(const V&, const V2&), or with
  // const K& before them. left_join(): always; joiner(const V&, const V2*), nullptr where there is
  // none. Time and headers are the record's. Null values, and in join() null keys, are dropped and
  // counted (SEMANTICS R-ST1 to R-ST3, R-N). REQUIRES: records are in place, and both sides' topics
  // have equal partition counts; build() or the start says where they are not.
  template <class K2, class V2, class F>
  [[nodiscard]] auto join(const KTable<K2, V2>& table, F joiner, Named named = {}) const {
    constexpr auto kMistake = detail::mistake_in_join<detail::JoinKind::kInner, F, K, V, K2, V2>();
    if constexpr (detail::NoMistake<kMistake, F>::value) {
      return joined<detail::JoinKind::kInner>("join", table, std::move(joiner), named);
    } else {
      return detail::Failed();
    }
  }
  template <class K2, class V2, class F>
  [[nodiscard]] auto left_join(const KTable<K2, V2>& table, F joiner, Named named = {}) const {
    constexpr auto kMistake = detail::mistake_in_join<detail::JoinKind::kLeft, F, K, V, K2, V2>();
    if constexpr (detail::NoMistake<kMistake, F>::value) {
      return joined<detail::JoinKind::kLeft>("left_join", table, std::move(joiner), named);
    } else {
      return detail::Failed();
    }
  }

  // --- out -------------------------------------------------------------------------------------

  // Writes the records to a topic: with their timestamp and headers, to the partition of their
  // key's bytes (SEMANTICS R-F3). Values of a topic of std::optional<V> need not be optional here.
  template <class TK, class TV>
  void to(const Topic<TK, TV>& topic, Produced<K, V> options = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_topic<K, V, TK, TV>(), K, V, TK,
                                    TV>::value) {
      sent_to(topic.name(), topic.serdes().key, detail::value_serde_of<V>(topic.serdes().value),
              std::move(options));
    }
  }

  // The same with the serdes of K and V.
  void to(std::string topic, Produced<K, V> options = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_default_serdes<K, V>(), K, V>::value) {
      sent_to(std::move(topic), Serde<K>(), Serde<V>(), std::move(options));
    }
  }

 private:
  template <class, class>
  friend class KStream;  // group_by() goes on with another key

  template <class F>
  KStream filtered(std::string_view word, F predicate, bool wanted, const Named& named) const {
    return {add(word, named, new detail::FilterNode<K, V, F>(std::move(predicate), wanted)),
            keys()};
  }

  template <class... Fs, std::size_t... Is>
  std::array<KStream, sizeof...(Is) + 1> split_into(std::tuple<Fs&...> branches,
                                                    std::index_sequence<Is...>,
                                                    SourceLocation where) const {
    using All = std::tuple<Fs...>;
    using Split = detail::SplitNode<K, V, detail::predicate_t<std::tuple_element_t<Is, All>>...>;
    const KStream split(add("split", {.where = where},
                            new Split(detail::BranchParts<std::tuple_element_t<Is, All>>::predicate(
                                std::move(std::get<Is>(branches)))...)),
                        keys());
    return {split.branch(
                detail::BranchParts<std::tuple_element_t<Is, All>>::name(std::get<Is>(branches)),
                where)...,
            split.branch({}, where)};
  }

  template <std::size_t... Is>
  std::array<KStream, sizeof...(Is) + 1> unsplit(std::index_sequence<Is...>) const {
    return {(static_cast<void>(Is), *this)..., *this};
  }

  template <detail::JoinKind kKind, class K2, class V2, class F>
  auto joined(std::string_view word, const KTable<K2, V2>& table, F joiner,
              const Named& named) const {
    require_in_place(word, named.where);
    using R = detail::joiner_result_t<F, K, V, detail::RightSide<kKind, V2>>;
    return KStream<K, R>(
        detail::add_stream_table_join<kKind, K, V>(*this, table, std::move(joiner),
                                                   {word, named.name.view(), named.where}),
        detail::Keys::kInPlace);
  }

  KStream branch(OperatorName name, SourceLocation where) const {
    return {add("branch", {.name = name, .where = where}, new detail::PassNode<K, V>()), keys()};
  }

  template <class Types, class P>
  detail::Handle processed(std::string_view word, P processor, const Processed& options) const {
    auto* node = detail::process_node<Types>(
        std::move(processor), {detail::store_names(options), !options.name.view().empty()});
    return add_process(word, options, node);
  }

  template <class F>
  auto key_selected(F mapper, const Named& named) const {
    using K2 = detail::call_result_t<F, K, V>;
    return KStream<K2, V>(
        add("select_key", named, new detail::SelectKeyNode<K, V, K2, F>(std::move(mapper))),
        detail::Keys::kMoved);
  }

  template <class F, class K2>
  KGroupedStream<K2, V> grouped(Name name, F mapper, Grouped<K2, V> options) const {
    const auto keyed = key_selected(std::move(mapper), {.where = options.where});
    return KGroupedStream<K2, V>(keyed.repartitioned("group_by", name, std::move(options)));
  }

  KStream repartitioned(std::string_view word, Name name, Repartitioned<K, V> options) const {
    const auto topic = graph::GraphBuilder::repartition_topic(name.view());
    auto* source = detail::internal_source(options.key_serde, options.value_serde);
    auto* sink = new graph::SinkNode<K, V>({topic, std::move(options.key_serde),
                                            std::move(options.value_serde),
                                            std::move(options.partitioner), true});
    return {add_repartition(word, name, options.partitions, options.where, sink, source),
            detail::Keys::kInPlace};
  }

  void sent_to(std::string topic, AnySerde<K> key_serde, AnySerde<V> value_serde,
               Produced<K, V> options) const {
    auto* sink = new graph::SinkNode<K, V>({topic, std::move(key_serde), std::move(value_serde),
                                            std::move(options.partitioner), false});
    add_sink(std::move(topic), options.name, options.where, sink);
  }
};

}  // namespace millrace
