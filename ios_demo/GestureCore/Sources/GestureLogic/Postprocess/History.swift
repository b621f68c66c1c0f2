import GestureCore

/// A class and how sure the network is of it.
public struct ScoreRow: Equatable, Sendable, Identifiable {
    public let id: Int
    public let name: String
    /// 0 to 1.
    public let score: Double
    public var percent: Int { Int((100 * score).rounded()) }

    /// The best classes, best first.
    public static func of(_ state: PipelineState) -> [ScoreRow] {
        state.top.map { ScoreRow(id: $0.label, name: state.name(of: $0.label), score: $0.score) }
    }
}

/// A gesture that was made.
public struct HistoryRow: Equatable, Sendable, Identifiable {
    /// Its number.
    public let id: Int
    public let name: String
    public let percent: Int
    /// Seconds before the last frame at which it began.
    public let ago: Double
    public let isActive: Bool

    /// Newest first.
    public static func of(_ state: PipelineState) -> [HistoryRow] {
        state.history.map { gesture in
            HistoryRow(
                id: gesture.number, name: state.name(of: gesture.label),
                percent: Int((100 * gesture.confidence).rounded()),
                ago: Double(max(0, state.timeMs - gesture.beginMs)) / 1000, isActive: gesture.endMs == nil)
        }
    }
}

extension PipelineState {
    func name(of label: Int) -> String {
        labels.indices.contains(label) ? labels[label] : "\(label)"
    }
}
