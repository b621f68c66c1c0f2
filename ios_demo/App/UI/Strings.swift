import Foundation
import GestureCore
import GestureLogic

/// All words of the app; translations lie in `Resources/*.lproj/Localizable.strings`.
enum Strings {
    static let noGesture = NSLocalizedString("no_gesture", comment: "")
    static let pause = NSLocalizedString("pause", comment: "")
    static let resume = NSLocalizedString("resume", comment: "")
    static let switchCamera = NSLocalizedString("switch_camera", comment: "")
    static let pickVideo = NSLocalizedString("pick_video", comment: "")
    static let model = NSLocalizedString("model", comment: "")
    static let unusable = NSLocalizedString("unusable", comment: "")
    static let computeUnits = NSLocalizedString("compute_units", comment: "")
    static let openSettings = NSLocalizedString("open_settings", comment: "")
    static let retry = NSLocalizedString("retry", comment: "")
    static let understood = NSLocalizedString("understood", comment: "")
    static let historyTitle = NSLocalizedString("history_title", comment: "")
    static let cameraPicture = NSLocalizedString("camera_picture", comment: "")
    static let videoPicture = NSLocalizedString("video_picture", comment: "")
    static let noRuntime = NSLocalizedString("no_runtime", comment: "")
    static let thermalState = NSLocalizedString("thermal_state", comment: "")
    static let lowPower = NSLocalizedString("low_power", comment: "")
    static let benchmarkRuns = NSLocalizedString("benchmark_runs", comment: "")
    static let cameraDidNotStart = NSLocalizedString("camera_did_not_start", comment: "")
    static let cameraRestricted = NSLocalizedString("camera_restricted", comment: "")
    static let noCamera = NSLocalizedString("no_camera", comment: "")
    static let noVideo = NSLocalizedString("no_video", comment: "")
    static let needsNewerSystem = NSLocalizedString("needs_newer_system", comment: "")

    static func stage(_ stage: Stage) -> String {
        NSLocalizedString("stage_\(stage.rawValue)", comment: "")
    }

    static func thermal(_ level: ThermalLevel) -> String {
        NSLocalizedString("thermal_\(level.rawValue)", comment: "")
    }

    static func units(_ units: ComputeUnits) -> String {
        NSLocalizedString("units_\(units.rawValue.lowercased())", comment: "")
    }

    /// Its runtime, and the file's name.
    static func artefact(_ model: InstalledModel) -> String {
        let runtime = NSLocalizedString("runtime_\(model.runtime.rawValue)", comment: "")
        return String(format: NSLocalizedString("artefact", comment: ""), runtime, model.id)
    }

    static func percent(_ percent: Int) -> String {
        String(format: NSLocalizedString("percent", comment: ""), percent)
    }

    static func ago(_ row: HistoryRow) -> String {
        if row.isActive { return NSLocalizedString("now", comment: "") }
        return String(format: NSLocalizedString("ago", comment: ""), row.ago)
    }

    static func spoken(_ row: HistoryRow) -> String {
        String(format: NSLocalizedString("spoken_gesture", comment: ""), row.percent, ago(row))
    }

    static func times(_ times: Percentiles?) -> String {
        guard let times else { return NSLocalizedString("no_times", comment: "") }
        return String(format: NSLocalizedString("times", comment: ""), times.p50, times.p90)
    }

    static func rates(_ camera: Double, _ network: Double) -> String {
        String(format: NSLocalizedString("rates", comment: ""), camera, network)
    }

    static func counts(_ counts: Counts) -> String {
        String(format: NSLocalizedString("counts", comment: ""), counts.processed, counts.dropped, counts.missed)
    }

    static func interruption(_ interruption: Interruption) -> String {
        switch interruption {
        case .inUse: return NSLocalizedString("interrupted_in_use", comment: "")
        case .severalApps: return NSLocalizedString("interrupted_several_apps", comment: "")
        case .pressure: return NSLocalizedString("interrupted_pressure", comment: "")
        case .other: return NSLocalizedString("interrupted_other", comment: "")
        }
    }

    static func banner(_ banner: Banner) -> String {
        switch banner {
        case .noModel(let faults):
            return ([NSLocalizedString("banner_no_model", comment: "")] + faults).joined(separator: "\n")
        case .loading: return NSLocalizedString("banner_loading", comment: "")
        case .cameraRefused: return NSLocalizedString("banner_camera_refused", comment: "")
        case .interrupted(let why): return interruption(why)
        case .paused: return NSLocalizedString("banner_paused", comment: "")
        case .tooHot: return NSLocalizedString("banner_too_hot", comment: "")
        case .hot: return NSLocalizedString("banner_hot", comment: "")
        case .failed(let message): return message
        case .rate(let warning):
            return String(
                format: NSLocalizedString("banner_rate", comment: ""),
                warning.framesPerSecond, warning.least, warning.greatest)
        }
    }
}
