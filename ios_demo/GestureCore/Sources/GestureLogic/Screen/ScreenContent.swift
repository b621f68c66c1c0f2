import Foundation
import GestureCore

/// What stands above all else on the screen, the most urgent of what holds.
public enum Banner: Equatable, Sendable {
    case noModel
    case loading
    case cameraRefused
    case interrupted
    case tooHot
    case failed(String)
    case hot
    case rate(RateWarning)

    /// The person can do something about it with a button.
    public var action: Action? {
        switch self {
        case .cameraRefused: return .openSettings
        case .failed: return .retry
        default: return nil
        }
    }

    public enum Action: Equatable, Sendable {
        case openSettings
        case retry
    }
}

/// A class and how sure the network is of it.
public struct ScoreRow: Equatable, Sendable, Identifiable {
    public let id: Int
    public let name: String
    /// 0 to 1.
    public let score: Double
    public let percent: Int
}

/// A gesture that was made.
public struct HistoryRow: Equatable, Sendable, Identifiable {
    /// When it began, which is of no other one.
    public let id: Int
    public let name: String
    public let percent: Int
    /// Seconds before the last frame at which it began.
    public let ago: Double
    public let isActive: Bool
}

/// A stage's times.
public struct StageRow: Equatable, Sendable, Identifiable {
    public let id: Stage
    public let times: Percentiles?
}

/// All that the screen shows, decided; views only lay it out.
public struct ScreenContent: Equatable, Sendable {
    public let banner: Banner?
    /// The gesture that is being made.
    public let current: String?
    public let scores: [ScoreRow]
    public let history: [HistoryRow]
    public let stages: [StageRow]
    public let cameraRate: Double
    public let networkRate: Double
    public let dropped: Int
    public let missed: Int
    public let runtime: String?
    public let condition: DeviceCondition
    /// A looking glass: the front camera's picture on the screen, never the network's.
    public let mirrorsPreview: Bool

    public init(
        pipeline state: PipelineState, source: SourceStatus, condition: DeviceCondition, input: Input, hasModel: Bool
    ) {
        banner = Self.banner(state, source, condition, hasModel)
        current = state.active.map { Self.name($0.label, state) }
        scores = state.top.map {
            ScoreRow(id: $0.label, name: Self.name($0.label, state), score: $0.score, percent: Self.percent($0.score))
        }
        history = state.history.map { Self.row($0, state) }
        stages = Stage.allCases.map { StageRow(id: $0, times: state.timings[$0]) }
        cameraRate = state.cameraRate
        networkRate = state.networkRate
        dropped = state.counts.dropped
        missed = state.counts.missed
        runtime = state.runtime
        self.condition = condition
        mirrorsPreview = input == .camera(.front)
    }

    private static func banner(
        _ state: PipelineState, _ source: SourceStatus, _ condition: DeviceCondition, _ hasModel: Bool
    ) -> Banner? {
        if !hasModel { return .noModel }
        if condition.mustRest { return .tooHot }
        if source == .refused { return .cameraRefused }
        if case .failed(let message) = source { return .failed(message) }
        if case .failed(let message) = state.status { return .failed(message) }
        if source == .interrupted { return .interrupted }
        if state.status == .loading { return .loading }
        if condition.thermal == .serious { return .hot }
        return state.warning.map(Banner.rate)
    }

    private static func row(_ gesture: Gesture, _ state: PipelineState) -> HistoryRow {
        HistoryRow(
            id: gesture.beginMs, name: name(gesture.label, state), percent: percent(gesture.confidence),
            ago: Double(max(0, state.timeMs - gesture.beginMs)) / 1000, isActive: gesture.endMs == nil)
    }

    private static func name(_ label: Int, _ state: PipelineState) -> String {
        state.labels.indices.contains(label) ? state.labels[label] : "\(label)"
    }

    private static func percent(_ score: Double) -> Int {
        Int((100 * score).rounded())
    }
}
