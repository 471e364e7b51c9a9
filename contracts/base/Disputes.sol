// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IDisputable} from "../interfaces/IDisputable.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {StakeVault} from "./StakeVault.sol";

/// @title Disputes: what two statements of one signer that contradict each other cost the provider.
/// @dev Storage:
///
/// | word                            | bits                                              |
/// |---------------------------------|---------------------------------------------------|
/// | `_windows[s][p][n]` (2)         | ends 64, shares of the bounty 64, overcharges 128; paid for overcharges 128, bounty 128 |
/// | `_claims[s][p][n][u]`           | overcharge 96, shares in the bounty 8, made 8     |
/// | `_claimed[key]`, `_endedIn[key]` | overcharge claimed for an account and signer, plus 1; the window that ended a signer |
abstract contract Disputes is IDisputes, StakeVault {
    using SafeCast for uint256;

    struct Window {
        uint64 endsAt;
        uint64 shares;
        uint128 overcharges;
        uint128 forOvercharges;
        uint128 bounty;
    }

    struct Claim {
        uint96 overcharge;
        bool shares;
        bool made;
    }

    bytes32 private constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(address provider,address user,uint48 seq,uint96 cumulative,uint96 fee,uint64 issuedAt,bytes32 detail)"
    );
    uint256 private constant MODE_BATCH = 1;
    /// @dev A provider can overcharge accounts of its own as much as it likes: what claims can take back is
    /// bounded, so that a part always burns.
    uint256 private constant OVERCHARGE_PERCENT = 50;
    uint256 private constant BOUNTY_PERCENT = 5;
    address private constant NOBODY = 0x000000000000000000000000000000000000dEaD;

    mapping(address service => mapping(address provider => mapping(uint256 window => Window))) private
        _windows;
    mapping(address => mapping(address => mapping(uint256 window => mapping(address user => Claim)))) private
        _claims;
    mapping(bytes32 accountAndSigner => uint256) private _claimed;
    mapping(bytes32 signerKey => uint256 window) private _endedIn;

    /// @inheritdoc StakeVault
    function frozenUntil(address service, address provider) public view override returns (uint256) {
        return _windows[service][provider][_stakes[service][provider].window].endsAt;
    }

    /// @inheritdoc IDisputes
    function disputeReceipts(
        address service,
        Receipt calldata one,
        bytes calldata signatureOne,
        Receipt calldata two,
        bytes calldata signatureTwo
    ) external nonReentrant {
        bytes32 hashOne = _hash(one);
        bytes32 hashTwo = _hash(two);
        if (one.seq != two.seq || one.provider != two.provider || hashOne == hashTwo) revert NoConflict();
        address signer = _recover(service, hashOne, signatureOne);
        address other = _recover(service, hashTwo, signatureTwo);
        if (other != signer) revert NotASigner(other);
        uint256 version = _requireSigner(service, one.provider, signer);

        uint256 window = _openWindow(service, one.provider, signer);
        bool first = _claim(service, one.provider, window, one.user, signer, version, 0);
        bool second =
            two.user != one.user && _claim(service, one.provider, window, two.user, signer, version, 0);
        if (!first && !second) revert AlreadyClaimed(one.user, version);
    }

    /// @inheritdoc IDisputes
    function disputeSettlement(address service, Receipt calldata receipt, bytes calldata signature)
        external
        nonReentrant
    {
        address signer = _recover(service, _hash(receipt), signature);
        uint256 version = _requireSigner(service, receipt.provider, signer);
        (uint256 settled, uint256 upTo, uint256 by, uint256 mode) =
            IDisputable(service).settledOf(receipt.user, receipt.provider);
        bool conflict =
            mode == MODE_BATCH && by == version && receipt.seq > upTo && receipt.cumulative < settled;
        if (!conflict) revert NoConflict();

        uint256 window = _openWindow(service, receipt.provider, signer);
        uint256 overcharge = settled - receipt.cumulative;
        bool made = _claim(service, receipt.provider, window, receipt.user, signer, version, overcharge);
        if (!made) revert AlreadyClaimed(receipt.user, version);
    }

    /// @inheritdoc IDisputes
    function resolve(address service, address provider) external nonReentrant {
        Stake storage stake = _stakes[service][provider];
        Window storage window = _windows[service][provider][stake.window];
        if (window.endsAt == 0) revert NoStake(service, provider);
        if (block.timestamp <= window.endsAt) revert WindowNotOver(block.timestamp, window.endsAt);

        uint256 amount = stake.amount;
        uint256 most = amount * OVERCHARGE_PERCENT / 100;
        uint256 forOvercharges = window.overcharges < most ? window.overcharges : most;
        uint256 left = amount - forOvercharges;
        uint256 bounty = amount * BOUNTY_PERCENT / 100;
        if (window.shares == 0) bounty = 0;

        window.endsAt = 0;
        window.forOvercharges = uint128(forOvercharges); // safe: parts of a uint128
        window.bounty = uint128(bounty);
        stake.amount = 0;
        stake.withdrawableAt = 0;
        emit StakeSlashed(service, provider, forOvercharges + bounty, left - bounty);
        _send(NOBODY, left - bounty);
    }

    /// @inheritdoc IDisputes
    function collectClaim(address service, address provider, uint256 number, address user)
        external
        nonReentrant
    {
        Window memory window = _windows[service][provider][number];
        if (window.endsAt != 0) revert WindowNotOver(block.timestamp, window.endsAt);
        Claim memory claim = _claims[service][provider][number][user];
        if (!claim.made) revert NothingToCollect(user);

        delete _claims[service][provider][number][user];
        uint256 amount;
        if (claim.overcharge != 0) {
            amount = uint256(claim.overcharge) * window.forOvercharges / window.overcharges;
        }
        if (claim.shares) amount += window.bounty / window.shares;
        emit ClaimCollected(service, provider, user, amount);
        _send(user, amount);
    }

    /// @inheritdoc IDisputes
    function windowOf(address service, address provider) external view returns (uint256, uint256) {
        return (_stakes[service][provider].window, frozenUntil(service, provider));
    }

    /* INTERNALS */

    function _requireSigner(address service, address provider, address signer)
        private
        view
        returns (uint256 version)
    {
        // slither-disable-next-line unused-return: only the version counts
        (version,,,) = IDisputable(service).signerRecord(provider, signer);
        if (version == 0) revert NotASigner(signer);
    }

    /// @dev Freezes the stake unless it is frozen, and ends the signer. One that an earlier window ended has
    /// been paid for.
    function _openWindow(address service, address provider, address signer) private returns (uint256 number) {
        Stake storage stake = _existing(service, provider);
        number = stake.window;
        if (frozenUntil(service, provider) == 0) {
            number = ++stake.window;
            _windows[service][provider][number].endsAt = (block.timestamp + exitDelay).toUint64();
        } else if (block.timestamp > frozenUntil(service, provider)) {
            revert StakeFrozen(frozenUntil(service, provider)); // over: to be resolved
        }

        bytes32 key = keccak256(abi.encode(service, provider, signer));
        uint256 endedIn = _endedIn[key];
        if (endedIn != 0 && endedIn != number) revert SignerEndedBefore(signer);
        if (endedIn == 0) {
            _endedIn[key] = number;
            // slither-disable-next-line reentrancy-no-eth: guarded; a service reaches only its own stakes
            IDisputable(service).endSigner(provider, signer);
        }
    }

    /// @dev The largest overcharge that was proved counts: who claims a small one first takes nothing from a larger.
    /// @return made False when this account has claimed as much against this signer before.
    function _claim(
        address service,
        address provider,
        uint256 number,
        address user,
        address signer,
        uint256 version,
        uint256 overcharge
    ) private returns (bool made) {
        bytes32 key = keccak256(abi.encode(service, provider, user, version));
        uint256 earlier = _claimed[key];
        if (earlier > overcharge) return false;
        _claimed[key] = overcharge + 1;
        uint256 more = earlier == 0 ? overcharge : overcharge + 1 - earlier;

        Window storage window = _windows[service][provider][number];
        Claim storage claim = _claims[service][provider][number][user];
        window.overcharges += uint128(more); // safe: 96 bits
        claim.overcharge += uint96(more); // safe: what was settled in all fits 96 bits
        claim.made = true;
        if (!claim.shares && user != msg.sender) {
            claim.shares = true;
            ++window.shares;
        }
        emit Claimed(service, provider, user, signer, overcharge, window.endsAt);
        return true;
    }

    function _hash(Receipt calldata r) private pure returns (bytes32) {
        return keccak256(
            abi.encode(RECEIPT_TYPEHASH, r.provider, r.user, r.seq, r.cumulative, r.fee, r.issuedAt, r.detail)
        );
    }

    function _recover(address service, bytes32 structHash, bytes calldata signature)
        private
        view
        returns (address)
    {
        bytes32 domain = IDisputable(service).domainSeparator();
        return ECDSA.recoverCalldata(MessageHashUtils.toTypedDataHash(domain, structHash), signature);
    }
}
