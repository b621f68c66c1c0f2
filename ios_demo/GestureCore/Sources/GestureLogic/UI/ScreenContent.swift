import Foundation
import GestureCore

/// What stands above all else on the screen, the most urgent of what holds.
public enum Banner: Equatable, Sendable {
    /// With what is wrong with those that are there, a line each.
    case noModel(faults: [String])
    case loading
    case cameraRefused
    case interrupted(Interruption)
    case tooHot
    case failed(String)
    case paused
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
    public let counts: Counts
    public let runtime: String?
    public let condition: DeviceCondition
    public let isPaused: Bool
    /// A looking glass: the front camera's picture on the screen, never the network's.
    public let mirrorsPreview: Bool
    /// Pictures come.
    public let isSourceRunning: Bool

    /// - Parameter models: those of the app; without any there is nothing to run.
    public init(session: Session, models: ModelFolder) {
        let state = session.pipeline.state
        banner = Self.banner(state, session, models)
        current = state.active.map { state.name(of: $0.label) }
        scores = ScoreRow.of(state)
        history = HistoryRow.of(state)
        stages = Stage.allCases.map { StageRow(id: $0, times: state.timings[$0]) }
        cameraRate = state.cameraRate
        networkRate = state.networkRate
        counts = state.counts
        runtime = state.runtime
        condition = session.condition
        isPaused = session.isPaused
        mirrorsPreview = session.input == .camera(.front)
        isSourceRunning = session.sourceStatus == .running
    }

    private static func banner(_ state: PipelineState, _ session: Session, _ models: ModelFolder) -> Banner? {
        if models.models.isEmpty { return .noModel(faults: models.faults) }
        if session.condition.mustRest { return .tooHot }
        if case .failed(let message) = state.status { return .failed(message) }
        switch session.sourceStatus {
        case .refused: return .cameraRefused
        case .failed(let message): return .failed(message)
        case .interrupted(let why): return .interrupted(why)
        case .running, .stopped: break
        }
        if state.status == .loading { return .loading }
        if session.isPaused { return .paused }
        if session.condition.thermal == .serious { return .hot }
        return state.warning.map(Banner.rate)
    }
}
