import GestureCore
import GestureLogic
import SwiftUI

/// The most urgent message, with the button that helps.
struct BannerView: View {
    let banner: Banner?
    let retry: @MainActor () -> Void
    @Environment(\.openURL) private var openURL

    var body: some View {
        if let banner {
            VStack {
                Text(Strings.banner(banner))
                switch banner.action {
                case .openSettings: Button(Strings.openSettings, action: openSettings)
                case .retry: Button(Strings.retry, action: retry)
                case nil: EmptyView()
                }
            }
            .padding()
            .background(.thinMaterial, in: RoundedRectangle(cornerRadius: 12))
            .accessibilityElement(children: .combine)
        }
    }

    private func openSettings() {
        if let url = URL(string: UIApplication.openSettingsURLString) { openURL(url) }
    }
}

/// The gesture that is being made; VoiceOver says each new one.
struct CurrentGesture: View {
    let content: ScreenContent

    var body: some View {
        Text(content.current ?? Strings.noGesture)
            .font(.largeTitle.bold())
            .foregroundStyle(content.current == nil ? .secondary : .primary)
            .onChange(of: content.current) { _, gesture in
                if let gesture { AccessibilityNotification.Announcement(gesture).post() }
            }
    }
}

/// The best classes.
struct ScoreBars: View {
    let rows: [ScoreRow]

    var body: some View {
        ForEach(rows) { row in
            ProgressView(value: row.score) { Text(row.name).font(.caption) }
                .accessibilityLabel(row.name)
                .accessibilityValue(Strings.percent(row.percent))
        }
    }
}

/// The last gestures, newest first.
struct HistoryList: View {
    let rows: [HistoryRow]

    var body: some View {
        ScrollView(.horizontal) {
            HStack {
                ForEach(rows) { row in
                    VStack {
                        Text(row.name)
                        Text(Strings.ago(row)).font(.caption2)
                    }
                    .padding(6)
                    .background(
                        row.isActive ? Color.accentColor : Color.secondary.opacity(0.2),
                        in: RoundedRectangle(cornerRadius: 8)
                    )
                    .accessibilityElement(children: .ignore)
                    .accessibilityLabel(row.name)
                    .accessibilityValue(Strings.spoken(row))
                }
            }
        }
        .accessibilityElement(children: .contain)
        .accessibilityLabel(Strings.historyTitle)
    }
}

/// Frames a second, the times of the stages, heat and power.
struct Measurements: View {
    let content: ScreenContent

    var body: some View {
        VStack(alignment: .leading) {
            Text(content.runtime ?? Strings.noRuntime)
            Text(Strings.rates(content.cameraRate, content.networkRate))
            Text(Strings.counts(content.counts))
            ForEach(content.stages) { row in
                LabeledContent(Strings.stage(row.id), value: Strings.times(row.times))
            }
            LabeledContent(Strings.thermalState, value: Strings.thermal(content.condition.thermal))
            if content.condition.isLowPower { Text(Strings.lowPower) }
        }
        .font(.caption.monospacedDigit())
    }
}
