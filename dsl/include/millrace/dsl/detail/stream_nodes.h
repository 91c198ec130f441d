// The stateless operators of streams, one node each. They keep timestamp and headers (SEMANTICS
// R-F2); those that change the key forward a context without key bytes.
//
// All of them REQUIRE that their callables passed the checks of checks.h.
#pragma once

#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>

#include "millrace/detail/node.h"
#include "millrace/dsl/detail/callable.h"
#include "millrace/record.h"

namespace millrace::detail {

using graph::Input;
using graph::Node;

template <class K, class V, class F>
class FilterNode final : public Input<K, V> {
 public:
  FilterNode(F f, bool wanted) : f_(std::move(f)), wanted_(wanted) {}
  Node* clone() const override { return new FilterNode(*this); }

  void process(const K& key, const V& value, const RecordContext& context) override {
    if (static_cast<bool>(call(f_, key, value)) == wanted_) this->forward(key, value, context);
  }

 private:
  F f_;
  bool wanted_;
};

template <class K, class V, class R, class F>
class MapValuesNode final : public Input<K, V> {
 public:
  explicit MapValuesNode(F f) : f_(std::move(f)) {}
  Node* clone() const override { return new MapValuesNode(*this); }

  void process(const K& key, const V& value, const RecordContext& context) override {
    const R& result = call(f_, key, value);
    this->forward(key, result, context);
  }

 private:
  F f_;
};

template <class K, class V, class R, class F>
class FlatMapValuesNode final : public Input<K, V> {
 public:
  explicit FlatMapValuesNode(F f) : f_(std::move(f)) {}
  Node* clone() const override { return new FlatMapValuesNode(*this); }

  void process(const K& key, const V& value, const RecordContext& context) override {
    for (auto&& element : call(f_, key, value)) {
      this->template forward<K, R>(key, element, context);
    }
  }

 private:
  F f_;
};

template <class K, class V, class K2, class V2, class F>
class MapNode final : public Input<K, V> {
 public:
  explicit MapNode(F f) : f_(std::move(f)) {}
  Node* clone() const override { return new MapNode(*this); }

  void process(const K& key, const V& value, const RecordContext& context) override {
    const KeyValue<K2, V2>& result = call(f_, key, value);
    this->forward(result.key, result.value, context.with_new_key());
  }

 private:
  F f_;
};

template <class K, class V, class K2, class V2, class F>
class FlatMapNode final : public Input<K, V> {
 public:
  explicit FlatMapNode(F f) : f_(std::move(f)) {}
  Node* clone() const override { return new FlatMapNode(*this); }

  void process(const K& key, const V& value, const RecordContext& context) override {
    const RecordContext changed = context.with_new_key();
    for (auto&& element : call(f_, key, value)) {
      this->template forward<K2, V2>(element.key, element.value, changed);
    }
  }

 private:
  F f_;
};

template <class K, class V, class K2, class F>
class SelectKeyNode final : public Input<K, V> {
 public:
  explicit SelectKeyNode(F f) : f_(std::move(f)) {}
  Node* clone() const override { return new SelectKeyNode(*this); }

  void process(const K& key, const V& value, const RecordContext& context) override {
    const K2& chosen = call(f_, key, value);
    this->forward(chosen, value, context.with_new_key());
  }

 private:
  F f_;
};

// peek(), and for_each(), which has no children.
template <class K, class V, class F>
class PeekNode final : public Input<K, V> {
 public:
  explicit PeekNode(F f) : f_(std::move(f)) {}
  Node* clone() const override { return new PeekNode(*this); }

  void process(const K& key, const V& value, const RecordContext& context) override {
    static_cast<void>(call(f_, key, value));
    this->forward(key, value, context);
  }

 private:
  F f_;
};

template <class K, class V>
class DropTombstonesNode final : public Input<K, std::optional<V>> {
 public:
  Node* clone() const override { return new DropTombstonesNode(*this); }

  void process(const K& key, const std::optional<V>& value, const RecordContext& context) override {
    if (value) this->forward(key, *value, context);
  }
};

// Passes records on: where streams meet (merge) and where one of split()'s streams begins.
template <class K, class V>
class PassNode final : public Input<K, V> {
 public:
  Node* clone() const override { return new PassNode(*this); }

  void process(const K& key, const V& value, const RecordContext& context) override {
    this->forward(key, value, context);
  }
};

// Gives each record to the child of the first predicate that takes it, or to the last child.
// REQUIRES: its children are one PassNode per predicate, in that order, and one more.
template <class K, class V, class... Fs>
class SplitNode final : public Input<K, V> {
 public:
  explicit SplitNode(Fs... fs) : fs_(std::move(fs)...) {}
  Node* clone() const override { return new SplitNode(*this); }

  void process(const K& key, const V& value, const RecordContext& context) override {
    std::size_t taker = 0;
    std::apply(
        [&](Fs&... fs) { ((static_cast<bool>(call(fs, key, value)) || (++taker, false)) || ...); },
        fs_);
    this->deliver(*this->children()[taker], key, value, context);
  }

 private:
  std::tuple<Fs...> fs_;
};

}  // namespace millrace::detail
