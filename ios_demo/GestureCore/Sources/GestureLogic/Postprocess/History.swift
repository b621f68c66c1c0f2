import GestureCore

/// A class and how sure the network is of it.
public struct ScoreRow: Equatable, Sendable, Identifiable {
    public let id: Int
    public let name: String
    /// 0 to 1.
    public let score: Double
    public var percent: Int { Int((100 * score).rounded()) }

    /// All classes in the order of the labels, so that a row stays in its place.
    public static func of(_ state: PipelineState) -> [ScoreRow] {
        state.scores.enumerated().map { ScoreRow(id: $0, name: state.name(of: $0), score: $1) }
    }
}

/// A gesture that was made.
public struct HistoryRow: Equatable, Sendable, Identifiable {
    /// Its number.
    public let id: Int
    public let name: String
    public let percent: Int
    /// Whole seconds since it began.
    public let ago: Int
    public let isActive: Bool

    /// Newest first.
    public static func of(_ state: PipelineState) -> [HistoryRow] {
        state.history.map { gesture in
            HistoryRow(
                id: gesture.number, name: state.name(of: gesture.label),
                percent: Int((100 * gesture.confidence).rounded()),
                ago: state.seconds(since: gesture.beganNs), isActive: gesture.endMs == nil)
        }
    }
}

extension PipelineState {
    func seconds(since nanoseconds: UInt64) -> Int {
        nowNs > nanoseconds ? Int((nowNs - nanoseconds) / 1_000_000_000) : 0
    }

    func name(of label: Int) -> String {
        labels.indices.contains(label) ? labels[label] : "\(label)"
    }
}
